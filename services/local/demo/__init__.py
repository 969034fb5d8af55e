"""The main job on fictional people: real texts, a simulated provider, counts that must agree."""
