"""Bytes that nobody meant well, for whatever reads bytes from outside: see `__main__.py`."""
