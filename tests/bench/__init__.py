"""How fast: `python -m tests.bench`, or `make bench`."""
