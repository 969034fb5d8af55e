"""The order in which a sender's texts go: derived from the rows, kept in memory, written nowhere."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final, NamedTuple

from schemas.numbers import e164
from schemas.send import Lane
from streams.dispatch.backoff import BackOff
from streams.dispatch.bucket import Bucket
from streams.dispatch.heap import LazyHeap
from streams.dispatch.rows import LIVE, MESSAGES, QUEUE, MessageRow, Place, QueueRow
from streams.step import Rows

MOST_SEGMENTS: Final = 32
"""More than any text of 1,600 characters has: what an order claims beyond it does not hold up the sender."""


class Ticket(NamedTuple):
    """A message's place in the queue: first issued, first out; `arrival` decides between equals."""

    lane: Lane
    place: tuple[datetime, int]
    segments: int


class Queue:
    """`by_number`: live messages, so that a Stop finds its own.  `under_way`: calls begun by this owner, and the
    back-off's round in which they began.  `stranded`: calls of an owner before.  `armed`: the wake that is set."""

    def __init__(self) -> None:
        self.lanes: dict[Lane, LazyHeap[tuple[datetime, int]]] = {lane: LazyHeap() for lane in Lane}
        self.later: LazyHeap[datetime] = LazyHeap()
        self.deadlines: LazyHeap[datetime] = LazyHeap()
        self.tickets: dict[str, Ticket] = {}
        self.by_number: defaultdict[str, set[str]] = defaultdict(set)
        self.under_way: dict[str, int] = {}
        self.stranded: list[str] = []
        self.bucket, self.backoff = Bucket(), BackOff()
        self.paused = False
        self.opened = True
        self.armed: datetime | None = None

    @classmethod
    def of(cls, rows: Rows) -> Queue:
        """The only place that looks at every row.  With rows to begin with, nothing starts before `Opened`."""
        queue = cls()
        if rows.raw:
            queue.opened, queue.bucket = False, Bucket.empty()
        standing = rows.get(QUEUE, QueueRow)
        queue.paused = standing is not None and standing.paused
        for name in rows.names(MESSAGES):
            row = rows.get(name, MessageRow)
            if row is not None and row.place in LIVE:
                queue.track(name, row)
        return queue

    def track(self, name: str, row: MessageRow) -> None:
        if row.order is None:
            return
        self.by_number[e164(row.order.to)].add(name)
        if row.place is Place.QUEUED:
            self._admit(name, row)
        elif row.place is Place.SENDING and name not in self.under_way:
            self.stranded.append(name)

    def _admit(self, name: str, row: MessageRow) -> None:
        assert row.order is not None
        segments = min(max(row.order.segments, 1), MOST_SEGMENTS)
        ticket = self.tickets[name] = Ticket(row.order.lane, (row.issued_at, row.arrival), segments)
        self.deadlines.push(row.order.send_before, name)
        if row.not_before is None:
            self.lanes[ticket.lane].push(ticket.place, name)
        else:
            self.later.push(row.not_before, name)

    def leave(self, name: str) -> None:
        """It is not queued any more; it may still be live (sending, in doubt)."""
        ticket = self.tickets.pop(name, None)
        if ticket is not None:
            self.lanes[ticket.lane].drop(name)
            self.later.drop(name)
            self.deadlines.drop(name)

    def forget(self, name: str, number: str) -> None:
        """It is done with."""
        self.leave(name)
        self.under_way.pop(name, None)
        live = self.by_number[e164(number)]
        live.discard(name)
        if not live:
            del self.by_number[e164(number)]

    def of_number(self, number: str) -> list[str]:
        """Live messages, in an order that a replay repeats."""
        return sorted(self.by_number.get(e164(number), ()))

    def ripen(self, now: datetime) -> None:
        """What had to wait for its time joins its lane."""
        while (first := self.later.first()) and first[0] <= now:
            name = first[1]
            self.later.drop(name)
            ticket = self.tickets[name]
            self.lanes[ticket.lane].push(ticket.place, name)

    def head(self) -> str | None:
        """Strictly by lane."""
        return next((first[1] for lane in Lane if (first := self.lanes[lane].first())), None)
