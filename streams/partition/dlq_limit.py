"""A producer that has gone wrong fills the dead letters, not the reports: the worker stops, and a person looks.

Nothing is lost by stopping: what has tripped the brake is not committed and is read again."""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW: Final = 1000
"""Facts of the latest batches that are looked at together."""
LEAST: Final = 100
"""Dead letters in a window before their share means anything: a handful of odd records stops nobody."""


class DlqLimitExceeded(Exception):
    """One sentence: what was seen, and how to go on."""


class DlqLimit:
    """`share` of the facts that may be dead letters, 0 to 1; at 1 it never trips."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share
        self._batches: deque[tuple[int, int]] = deque()
        self._facts = self._dead = 0

    def add(self, records: int, dead: int) -> None:
        """A batch that is about to be committed.  Raises Braked."""
        if not records:
            return
        self._batches.append((records, dead))
        self._facts, self._dead = self._facts + records, self._dead + dead
        while self._facts - self._batches[0][0] >= WINDOW:
            gone, of_them = self._batches.popleft()
            self._facts, self._dead = self._facts - gone, self._dead - of_them
        if self._dead >= LEAST and self._dead > self.share * self._facts:
            raise DlqLimitExceeded(
                f"{self._dead} of the last {self._facts} records could not be read or placed, and the brake allows "
                f"{self.share:.0%}: stop their producer and see `sayso dlq list`, or start with SAYSO_BRAKE=1 to go on"
            )
