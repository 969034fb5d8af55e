"""Whether a ledger follows: where it stands is all that `sayso waiting`, `sayso balance` and some alerts know of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.ledger.projection import Partition
from services.observability.lag import Report


class Stood(NamedTuple):
    """`since`: seconds, on the caller's clock."""

    reached: Mapping[Partition, int]
    since: float


class Following:
    """`stands` is asked at every look: for how many seconds has it had something to read, and has not moved?"""

    def __init__(self) -> None:
        self._stood: Stood | None = None

    def stands(self, reached: Mapping[Partition, int], found: Report, now: float) -> float:
        """By the ends of what rooms read: a ledger that does not run is behind in these within seconds."""
        behind = any(
            reached.get(Partition(line.topic, line.partition), line.start) < line.end
            for line in found.lines
        )
        if not behind or self._stood is None or self._stood.reached != reached:
            self._stood = Stood(dict(reached), now)
        return now - self._stood.since
