"""Records that wait for their turn: bounded by what they weigh, not by their number only.

A record may be a megabyte.  Two thousand of those would fill a worker's memory, and a transaction that answers all of
them at once would outlast its time-out, again after every restart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from streams.partition.decoding import Record

MOST_BYTES: Final = 16 << 20
"""Of values, that one buffer holds (and what the fetch that filled it brought), and that one transaction judges."""


class Buffer:
    """`hungry` until it holds `limit` records or MOST_BYTES."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: deque[Record] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    @property
    def has_capacity(self) -> bool:
        return len(self._records) < self._limit and self._bytes < MOST_BYTES

    @property
    def is_full(self) -> bool:
        return not self.has_capacity

    def extend(self, records: list[Record]) -> None:
        self._records.extend(records)
        self._bytes += sum([len(record.value or b"") for record in records])

    def clear(self) -> None:
        self._records.clear()
        self._bytes = 0

    def put_back(self, records: list[Record]) -> None:
        """Before all others: they were taken, and not judged."""
        self._records.extendleft(reversed(records))
        self._bytes += sum([len(record.value or b"") for record in records])

    def move_to(self, work: deque[Any], most: int) -> None:
        """As many as fit; at least one if any may, so that the heaviest gets its turn too."""
        records = self._records
        if len(records) <= most and self._bytes <= MOST_BYTES:
            work.extend(records)
            self.clear()
            return
        moved = 0
        while records and most > 0 and moved < MOST_BYTES:
            record = records.popleft()
            moved += len(record.value or b"")
            work.append(record)
            most -= 1
        self._bytes -= moved
