"""The main job on fictional people: real texts, a simulated provider, books that balance."""
