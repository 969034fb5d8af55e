"""What the broker said at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    group: str
    topic: str
    partition: int


class Stand(NamedTuple):
    """Offsets.  `committed` None: the group has never committed here.  `end` is what a reader of committed records can
    reach.  `oldest_ms`: the time of the first record not done with, milliseconds since 1970, UTC.  `gone`: with the
    last commit its worker said that it ends."""

    committed: int | None
    start: int
    end: int
    oldest_ms: int | None = None
    gone: bool = False

    @property
    def lag(self) -> int:
        """Records, at most: markers of transactions and what was compacted away take offsets too."""
        return max(
            0,
            self.end
            - max(self.start, self.committed if self.committed is not None else self.start),
        )


class Group(NamedTuple):
    """`state` in Kafka's words: Stable, Empty, Dead, PreparingRebalance, CompletingRebalance.  `owned`: (topic,
    partition) of its members."""

    state: str
    members: int
    owned: frozenset[tuple[str, int]]


class Sample(NamedTuple):
    """`at`: seconds since 1970, UTC."""

    at: float
    stands: Mapping[Place, Stand]
    groups: Mapping[str, Group]
