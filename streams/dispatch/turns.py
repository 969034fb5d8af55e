"""Whose turn it is: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) by segments."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

from streams.dispatch.heap import LazyHeap

P = TypeVar("P")


class Turns(Generic[P]):
    """Flows that have something waiting, each with the place of its first: who has had the fewest segments is next,
    and among equals the one whose first is the oldest.  A flow that comes new starts where the others are: it owes
    nothing and is owed nothing.  One that leaves and comes back has not become new by that.

    Each takes its turn after at most one message of every other flow.  O(log flows)."""

    def __init__(self) -> None:
        self._heap: LazyHeap[tuple[float, P]] = LazyHeap()
        self._now = 0.0
        self._had: dict[str, float] = {}
        self._left: list[tuple[float, str]] = []
        """Flows that have nothing waiting, by what they have had; forgotten once the others have had as much."""
        self._stands: dict[str, tuple[float, int]] = {}
        self._queues: dict[float, list[int]] = {}
        """What each flow that waits has had, and how many with as much came before it; and how many came and went."""

    def __len__(self) -> int:
        return len(self._heap)

    def first(self) -> str | None:
        found = self._heap.first()
        return None if found is None else found[1]

    def waits(self, flow: str, place: P) -> None:
        """Its first is at this place now."""
        if flow not in self._heap:
            self._had[flow] = max(self._had.get(flow, 0.0), self._now)
        self._heap.push((self._had[flow], place), flow)
        if self._stands.get(flow, (None,))[0] != self._had[flow]:
            self._goes(flow)
            queue = self._queues.setdefault(self._had[flow], [0, 0])
            self._stands[flow] = self._had[flow], queue[0]
            queue[0] += 1

    def before(self, flow: str) -> int:
        """Flows that have had as much and came before it: each sends one first."""
        had, place = self._stands[flow]
        return max(0, place - self._queues[had][1])

    def _goes(self, flow: str) -> None:
        had, _ = self._stands.pop(flow, (None, 0))
        if had is not None:
            queue = self._queues[had]
            queue[1] += 1
            if queue[0] == queue[1]:
                del self._queues[had]

    def took(self, flow: str, segments: int) -> None:
        """The flow whose turn it was has sent so much: tell what its next one is by `waits` or `leaves`."""
        self._now = max(self._now, self._had[flow])
        self._had[flow] += segments

    def leaves(self, flow: str) -> None:
        """It has nothing waiting."""
        self._heap.drop(flow)
        self._goes(flow)
        if not len(self._heap):
            self._now, self._had, self._left = 0.0, {}, []
            return
        heapq.heappush(self._left, (self._had[flow], flow))
        while self._left and self._left[0][0] <= self._now:
            had, gone = heapq.heappop(self._left)
            if gone not in self._heap and self._had.get(gone) == had:
                del self._had[gone]
