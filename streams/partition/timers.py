"""When which row is to be looked at again."""

from __future__ import annotations

import heapq
from datetime import datetime
from math import ceil

SLACK = 1000
"""Superseded entries that the heap may hold besides as many as there are wakes."""


class TimerQueue:
    """Milliseconds since 1970, by changelog key; 0 is none.  A wake that is moved leaves its old entry in the heap;
    when those outnumber the true ones the heap is made anew, so that a row touched a million times costs one entry."""

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def __contains__(self, key: bytes) -> bool:
        return key in self._at

    def at(self, key: bytes) -> int:
        return self._at.get(key, 0)

    def restore(self, timers: dict[bytes, int]) -> None:
        self._at = timers
        self._tidy()

    def set(self, key: bytes, moment: datetime) -> None:
        """Never early: a part of a millisecond counts as a whole one."""
        ms = max(1, ceil(moment.timestamp() * 1000))
        if self._at.get(key) != ms:
            self._at[key] = ms
            heapq.heappush(self._heap, (ms, key))
            if len(self._heap) > 2 * len(self._at) + SLACK:
                self._tidy()

    def drop(self, key: bytes) -> None:
        self._at.pop(key, None)

    def claim(self, key: bytes) -> bool:
        """Take one that is about to come; whether it was set."""
        found = self._at.pop(key, None) is not None
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return found

    def next(self) -> float:
        """Seconds since 1970, or infinity; at times that of a wake which was moved to later."""
        return self._heap[0][0] / 1000 if self._heap else float("inf")

    def pop_due(self, now: datetime, most: int) -> list[bytes]:
        """Those that have come, each once; they are set no more."""
        ms, keys = int(now.timestamp() * 1000), list[bytes]()
        while self._heap and self._heap[0][0] <= ms and len(keys) < most:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                keys.append(key)
        return keys

    def _tidy(self) -> None:
        self._heap = [(at, key) for key, at in self._at.items()]
        heapq.heapify(self._heap)
