"""How long to wait before another try: longer each time, and never all at the same moment."""

from __future__ import annotations

import random
from typing import Final

FIRST_PAUSE: Final = 1.0
"""Seconds before the second try; doubled for each further one."""
LONGEST_PAUSE: Final = 120.0


class Pauses:
    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        self._first = first
        self._longest = longest
        self._tries = 0

    def next(self) -> float:
        """Seconds; between a half and the whole of what it doubles to."""
        whole = min(self._first * 2.0 ** min(self._tries, 32), self._longest)
        self._tries += 1
        return whole * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._tries = 0
