"""Which rows are at rest, and may be packed (`streams.packing`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from streams.packing import pack
from streams.processing import StateStore

REST: Final = 30.0
"""Seconds without a change after which a row counts as at rest: by then most texts have arrived."""
AT_ONCE: Final = 500
"""Rows packed in one batch: two or three milliseconds."""


class Packer:
    """Packs some rows with each batch: those that have not changed for a while, and those restored from the changelog.

    A row that changes meanwhile is another object, and is left alone: its own time will come."""

    def __init__(self) -> None:
        self._written: deque[tuple[float, StateStore, str, bytes]] = deque()
        self._restored: Iterator[StateStore] = iter(())

    def restore(self, stores: Iterable[StateStore]) -> None:
        self._written.clear()
        self._restored = iter(list(stores))

    def note(self, now: datetime, state: StateStore, name: str, body: bytes) -> None:
        self._written.append((now.timestamp() + REST, state, name, body))

    def compress_some(self, now: datetime) -> None:
        moment, written, left = now.timestamp(), self._written, AT_ONCE
        while written and left and written[0][0] <= moment:
            _, state, name, body = written.popleft()
            if state.raw.get(name) is body:
                state.raw[name] = pack(body)
                left -= 1
        for state in self._restored if left else ():
            for name, body in state.raw.items():
                if type(body) is bytes:
                    state.raw[name] = pack(body)
            left -= len(state.raw)
            if left <= 0:
                break
