"""The stream that tells pages what has changed. Pages fetch the changed parts themselves.

One task of the process looks at the ledger for all streams. What it finds is written once for each
kind of viewer and handed to their queues, so a stream at which nothing happens costs one short tick
every TICK seconds. Each event's id is the position up to which the page is told of everything; a
browser that connects again says the last one it saw, and hears of what came since. Where that
cannot be told any more (another generation of the ledger, or too long ago) it hears `all`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from services.console.viewer import Permission
from services.ledger import Ledger, LedgerError
from services.ledger.change_feed import (
    InvalidPosition,
    LedgerPosition,
    changes_since,
    freshness,
    position,
)
from services.ledger.changes import MANY, Change, Part

LOOK: Final = 0.1
"""Seconds between two looks at the ledger."""
TICK: Final = 2.0
"""Seconds between two signs of life, each with how old the ledger is."""
CHECK: Final = 30.0
"""Seconds between two checks that the viewer may still look."""
MOST: Final = 300
"""Changes of one event. More are told by part alone."""
_QUEUE: Final = 100
"""Events that wait for a slow browser. After that it hears `all` instead."""

_OF_PERMISSION: Final = {
    Permission.READ: frozenset(Part) - {Part.SENDER, Part.DEAD_LETTER, Part.USAGE, Part.BALANCE},
    Permission.USAGE: frozenset({Part.USAGE, Part.SETTINGS}),
    Permission.OPERATE: frozenset(
        {Part.SENDER, Part.DEAD_LETTER, Part.BALANCE, Part.SETTINGS, Part.ALERT}
    ),
    Permission.MANAGE: frozenset({Part.SETTINGS, Part.TEMPLATE, Part.SENDER}),
}


class Audience(NamedTuple):
    """Viewers who may hear of the same things."""

    tenant: str
    parts: frozenset[Part]
    ids: bool
    """They may hear which ones. Who sees some branches only hears that something has changed."""


def find_audience(
    tenant: str, permissions: Iterable[Permission], *, all_branches: bool
) -> Audience:
    parts = [_OF_PERMISSION.get(one, frozenset()) for one in permissions]
    return Audience(tenant, frozenset().union(*parts), all_branches)


class Event(NamedTuple):
    kind: str
    data: str
    id: str = ""

    def encode(self) -> bytes:
        identity = f"id: {self.id}\n" if self.id else ""
        return f"{identity}event: {self.kind}\ndata: {self.data}\n\n".encode()


ENDED: Final = Event("end", "").encode()
"""The viewer may not look any more."""


class Stream:
    """One open page."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._missed = False

    def put(self, event: bytes) -> None:
        if self._waiting.qsize() >= _QUEUE:
            self._missed = True
        else:
            self._waiting.put_nowait(event)

    def close(self) -> None:
        self._waiting.put_nowait(None)

    async def events(self, may_look: Callable[[], bool]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while (event := await self._waiting.get()) is not None:
            if loop.time() - checked_at > CHECK:
                checked_at = loop.time()
                if not may_look():
                    yield ENDED
                    return
            yield event
            if self._missed and self._waiting.empty():
                self._missed = False
                yield Event("all", "").encode()


class Watch:
    """Looks at the ledger for all streams of the process."""

    def __init__(self, ledger: Callable[[], Ledger], clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None
        self._seen: LedgerPosition | None = None
        self._tick = Event("tick", "null").encode()

    def open(self, audience: Audience, seen: str) -> Stream:
        """A stream that begins with what came after `seen`. Raises LedgerError."""
        stream = Stream(audience)
        stream.put(b"retry: 1000\n\n")
        stream.put(self._tick_now())
        stream.put(self._tell_since(audience, seen))
        if self._task is None or self._task.done():
            self._seen = position(self._ledger())
            self._task = asyncio.create_task(self._look())
        self._streams.add(stream)
        return stream

    def forget(self, stream: Stream) -> None:
        self._streams.discard(stream)

    async def close(self) -> None:
        for stream in self._streams:
            stream.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _tell_since(self, audience: Audience, seen: str) -> bytes:
        ledger = self._ledger()
        try:
            found = changes_since(ledger, LedgerPosition.parse(seen), {audience.tenant})
        except InvalidPosition:
            found = None
        if found is None:
            return Event("all", "", str(position(ledger))).encode()
        return _tell(audience, found.changes, found.position)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        ticked_at = loop.time()
        while self._streams:
            await asyncio.sleep(LOOK)
            with contextlib.suppress(LedgerError):  # then pages see that nothing ticks any more
                self._tell_all()
                if loop.time() - ticked_at >= TICK:
                    ticked_at = loop.time()
                    tick = self._tick_now()
                    for stream in self._streams:
                        stream.put(tick)

    def _tell_all(self) -> None:
        ledger = self._ledger()
        now = position(ledger)
        if now == self._seen:
            return
        found = None if self._seen is None else changes_since(ledger, self._seen)
        self._seen = now if found is None else found.position
        written: dict[Audience, bytes] = {}
        for stream in self._streams:
            audience = stream.audience
            if audience not in written:
                written[audience] = (
                    Event("all", "", str(now)).encode()
                    if found is None
                    else _tell(audience, found.changes, found.position)
                )
            stream.put(written[audience])

    def _tick_now(self) -> bytes:
        behind = freshness(self._ledger(), self._clock())
        return Event("tick", json.dumps(None if behind is None else round(behind, 1))).encode()


def _tell(audience: Audience, changes: Iterable[Change], reached: LedgerPosition) -> bytes:
    heard = [
        one for one in changes if one.part in audience.parts and one.tenant in (audience.tenant, "")
    ]
    by_part = len(heard) > MOST or not audience.ids
    names = dict.fromkeys(
        f"{one.part}:*" if by_part or one.id == MANY else f"{one.part}:{one.id}" for one in heard
    )
    return Event("changed", json.dumps(list(names)), str(reached)).encode()
