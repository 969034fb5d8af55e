"""`make faults`: hurt a running stack in every way we know, and count from outside what came of
the texts."""
