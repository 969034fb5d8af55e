"""Trouble staged for those who watch: what is wrong, and what is said about it."""
