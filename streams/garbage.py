"""How often a process that works in batches looks for garbage."""

from typing import Final

COLLECT: Final = (100_000, 20, 50)
"""Objects between two looks.  A batch makes tens of thousands that live until its commit, and next to none in cycles:
Python's 700 walks them over and over, a tenth of the time."""
