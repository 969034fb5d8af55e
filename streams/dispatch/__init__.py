"""Send once, at the pace allowed."""
