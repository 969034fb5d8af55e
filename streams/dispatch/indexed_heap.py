"""A heap of names from which any name can be dropped."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

K = TypeVar("K")

MAX_STALE = 64
"""Dropped names may stay in a heap while they are no majority, and this many more."""


class IndexedHeap(Generic[K]):
    """Names by key, smallest key first; O(log n) amortised.

    A dropped name stays in the heap until it comes to the top, or until dropped names are the
    majority; then the heap is rebuilt."""

    def __init__(self) -> None:
        self._heap: list[tuple[K, str]] = []
        self._keys: dict[str, K] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def push(self, key: K, name: str) -> None:
        """Each name has one key: a second push moves it."""
        if self._keys.get(name) != key:
            self._keys[name] = key
            heapq.heappush(self._heap, (key, name))
            self._drop_stale()

    def drop(self, name: str) -> None:
        if self._keys.pop(name, None) is not None:
            self._drop_stale()

    def key_of(self, name: str) -> K | None:
        return self._keys.get(name)

    def first(self) -> tuple[K, str] | None:
        heap = self._heap
        keys = self._keys
        while heap:
            top = heap[0]
            key = keys.get(top[1])
            if key is top[0] or key == top[0]:
                return top
            heapq.heappop(heap)
        return None

    def _drop_stale(self) -> None:
        if len(self._heap) > 2 * len(self._keys) + MAX_STALE:
            self._heap = [(key, name) for name, key in self._keys.items()]
            heapq.heapify(self._heap)
