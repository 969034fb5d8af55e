"""Whose turn it is: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) by segments."""

from __future__ import annotations

from typing import Generic, TypeVar

from streams.dispatch.indexed_heap import IndexedHeap

P = TypeVar("P")


class FairScheduler(Generic[P]):
    """Flows that have something waiting, each with the place of its first: who has had the fewest segments is next,
    and among equals the one whose first is the oldest.  A flow that comes new starts where the others are: it owes
    nothing and is owed nothing.  One that leaves and comes back has not become new by that.

    Each takes its turn after at most one message of every other flow.  O(log flows)."""

    def __init__(self) -> None:
        self._heap: IndexedHeap[tuple[float, P]] = IndexedHeap()
        self._now = 0.0
        self._had: dict[str, float] = {}
        self._left: IndexedHeap[float] = IndexedHeap()
        """Flows that have nothing waiting, by what they have had; forgotten once the others have had as much."""
        self._stands: dict[str, tuple[float, int]] = {}
        self._queues: dict[float, list[int]] = {}
        """What each flow that waits has had, and how many with as much came before it; and how many came and went."""

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def forgetting(self) -> int:
        """Flows that are remembered only until the others have had as much."""
        return len(self._left)

    def first(self) -> str | None:
        found = self._heap.first()
        return None if found is None else found[1]

    def waits(self, flow: str, place: P) -> None:
        """Its first is at this place now."""
        had = self._had.get(flow, 0.0)
        if flow not in self._heap:
            self._left.drop(flow)
            had = self._had[flow] = max(had, self._now)
        self._heap.push((had, place), flow)
        stands = self._stands.get(flow)
        if stands is None or stands[0] != had:
            self._goes(flow)
            queue = self._queues.setdefault(had, [0, 0])
            self._stands[flow] = had, queue[0]
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
            self._now, self._had, self._left = 0.0, {}, IndexedHeap()
            return
        self._left.push(self._had[flow], flow)
        while (gone := self._left.first()) and gone[0] <= self._now:
            self._left.drop(gone[1])
            del self._had[gone[1]]
