"""What a worker leaves with the group's offsets as it ends, so that whoever looks need not take it for stuck.

A static member keeps its place until its session runs out, also when it has ended as it was told: all that time the
broker calls it the owner of its partitions.  Whoever takes them over commits their positions without the word."""

from typing import Final

GONE: Final = "ended as it was told"
"""The metadata of an offset that was committed last."""
