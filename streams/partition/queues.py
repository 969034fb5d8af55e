"""What waits in a partition task's memory: records that were fetched, and timers."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from math import ceil
from operator import itemgetter
from typing import Any, Final

from streams.partition.decoding import Record

MAX_BYTES: Final = 16 << 20
"""Bytes of values that one buffer holds (besides what the fetch that filled it brought), and that
one transaction may take.  A record may be a megabyte: two thousand of those would fill a worker's
memory, and a transaction over all of them would outlast its time-out, again after every restart."""
HEAP_SLACK: Final = 1000
"""Superseded entries that the timers' heap may hold, besides as many as there are timers."""


class RecordBuffer:
    """Records in order, up to `limit` of them or MAX_BYTES."""

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
        return len(self._records) < self._limit and self._bytes < MAX_BYTES

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
        """Put records that were taken and not evaluated in front of all others."""
        self._records.extendleft(reversed(records))
        self._bytes += sum([len(record.value or b"") for record in records])

    def move_to(self, work: deque[Any], limit: int) -> None:
        """Move as many records as fit; at least one if `limit` allows it, so that the largest gets
        its turn too."""
        records = self._records
        if len(records) <= limit and self._bytes <= MAX_BYTES:
            work.extend(records)
            self.clear()
            return
        moved = 0
        while records and limit > 0 and moved < MAX_BYTES:
            record = records.popleft()
            moved += len(record.value or b"")
            work.append(record)
            limit -= 1
        self._bytes -= moved


class PriorityBuffer(RecordBuffer):
    """Of the priority topics; with the barrier of an assignment, by topic the offset to read to."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.barrier: dict[str, int] = {}
        self._is_catching_up = False

    def set_barrier(self, ends: dict[str, int]) -> None:
        self.barrier = ends
        self._is_catching_up = bool(ends)

    @property
    def is_ready(self) -> bool:
        """Where more lies before the barrier than fits, it does not wait for all of it."""
        return bool(self._records) and not (self.barrier and self.has_capacity)

    def move_to(self, work: deque[Any], limit: int) -> None:
        if self._is_catching_up:
            self._merge_by_time()
            self._is_catching_up = bool(self.barrier)
        super().move_to(work, limit)

    def _merge_by_time(self) -> None:
        """In the order in which they were appended, across topics; each topic keeps its own."""
        latest: dict[str, int] = {}
        times: list[int] = []
        for record in self._records:
            at = latest[record.topic] = max(record.timestamp, latest.get(record.topic, 0))
            times.append(at)
        in_order = sorted(zip(times, self._records, strict=True), key=itemgetter(0))
        self._records = deque([record for _, record in in_order])


class TimerQueue:
    """When which state entry is to be looked at again: milliseconds since 1970, by changelog key; 0
    is none.

    A timer that is moved leaves its old entry in the heap.  When those outnumber the timers the
    heap is rebuilt, so that an entry whose timer moves a million times costs one place."""

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def __contains__(self, key: bytes) -> bool:
        return key in self._at

    def at(self, key: bytes) -> int:
        return self._at.get(key, 0)

    def restore(self, timers: dict[bytes, int]) -> None:
        self._at = timers
        self._rebuild()

    def set(self, key: bytes, moment: datetime) -> None:
        """Never early: a part of a millisecond counts as a whole one."""
        ms = max(1, ceil(moment.timestamp() * 1000))
        if self._at.get(key) != ms:
            self._at[key] = ms
            heapq.heappush(self._heap, (ms, key))
            if len(self._heap) > 2 * len(self._at) + HEAP_SLACK:
                self._rebuild()

    def drop(self, key: bytes) -> None:
        self._at.pop(key, None)

    def claim(self, key: bytes) -> bool:
        """Take a timer before it is due; whether it was set."""
        found = self._at.pop(key, None) is not None
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return found

    def next(self) -> float:
        """Seconds since 1970, or infinity.  May be early: the time of a timer that was moved to
        later."""
        return self._heap[0][0] / 1000 if self._heap else float("inf")

    def pop_due(self, now: float, limit: int) -> list[bytes]:
        """Timers that are due at `now`, in seconds since 1970, each once; they are set no more."""
        ms = int(round(max(now, 0.0) * 1000, 2))  # a float may lie just below its millisecond
        keys: list[bytes] = []
        while self._heap and self._heap[0][0] <= ms and len(keys) < limit:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                keys.append(key)
        return keys

    def _rebuild(self) -> None:
        self._heap = [(at, key) for key, at in self._at.items()]
        heapq.heapify(self._heap)
