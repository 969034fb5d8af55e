"""A heap of names from which any name can be dropped."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

K = TypeVar("K")

TIDY = 64
"""Names that were dropped may stay in a heap as long as they are not the majority, and a few more."""


class IndexedHeap(Generic[K]):
    """Names by key, smallest first; O(log n) amortised.  A dropped name stays in the heap until it comes to the top or
    dropped ones are the majority: then the heap is made anew."""

    def __init__(self) -> None:
        self._heap: list[tuple[K, str]] = []
        self._keys: dict[str, K] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def push(self, key: K, name: str) -> None:
        """A name has one place: a second push moves it."""
        if self._keys.get(name) != key:
            self._keys[name] = key
            heapq.heappush(self._heap, (key, name))
            if len(self._heap) > 2 * len(self._keys) + TIDY:
                self._rebuild()

    def drop(self, name: str) -> None:
        if self._keys.pop(name, None) is not None and len(self._heap) > 2 * len(self._keys) + TIDY:
            self._rebuild()

    def _rebuild(self) -> None:
        self._heap = [(key, kept) for kept, key in self._keys.items()]
        heapq.heapify(self._heap)

    def at(self, name: str) -> K | None:
        return self._keys.get(name)

    def first(self) -> tuple[K, str] | None:
        heap, keys = self._heap, self._keys
        while heap:
            top = heap[0]
            key = keys.get(top[1])
            if key is top[0] or key == top[0]:
                return top
            heapq.heappop(heap)
        return None
