"""What a long run is judged by: slopes, percentiles, and what /proc says of a process."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_RSS = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


class Size(NamedTuple):
    """`at`: seconds since the run began; `memory`: resident bytes; `files`: descriptors."""

    at: float
    memory: int
    files: int


def size(pid: int, at: float) -> Size | None:
    """None if there is no such process."""
    with contextlib.suppress(OSError):
        if found := _RSS.search(Path(f"/proc/{pid}/status").read_text()):
            return Size(at, int(found[1]) << 10, len(os.listdir(f"/proc/{pid}/fd")))
    return None


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line with the least squares; 0 for fewer than two moments."""
    count = len(points)
    middle, height = (
        sum(x for x, _ in points) / max(count, 1),
        sum(y for _, y in points) / max(count, 1),
    )
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - height) for x, y in points) / spread if spread else 0.0


def percentile(share: float, values: Sequence[float]) -> float:
    """The smallest of them that at least `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


class Grown(NamedTuple):
    """`per_hour` and `memory` in MB (2**20 bytes), the latter at the end."""

    process: str
    memory: float
    per_hour: float
    files_first: int
    files_last: int


def grown(process: str, sizes: Sequence[Size], warm: float) -> Grown:
    """What came before second `warm` is start-up, and counts for no slope."""
    steady = [(one.at / 3600, one.memory / 2**20) for one in sizes if one.at >= warm]
    settled = [one for one in sizes if one.at >= warm] or sizes
    return Grown(
        process, sizes[-1].memory / 2**20, slope(steady), settled[0].files, sizes[-1].files
    )
