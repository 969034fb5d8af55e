"""What a sender's rows mean together: derived from them, kept in memory, written nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Final

from schemas.numbers import e164
from schemas.send import Priority
from schemas.sender_status import SenderStatus
from streams.dispatch.backoff import BackOff
from streams.dispatch.bucket import Bucket
from streams.dispatch.fair_queue import FairQueue
from streams.dispatch.indexed_heap import IndexedHeap
from streams.dispatch.state import (
    LIVE,
    LOST,
    MESSAGES,
    QUEUE,
    AbandonedAttempt,
    DispatchState,
    MessageEntry,
    QueueEntry,
)
from streams.processing import StateStore

MOST_SEGMENTS: Final = 96
"""More than any text of 1,600 characters has, each of which may be two units, and any two neighbouring segments hold
more than 67: what an order claims beyond it does not hold up the sender."""
LET_GO: Final = timedelta(minutes=1)
"""By then a call that was let go has had its turn, or never will."""


class SenderQueue:
    """`tickets`: the lane of each text that waits, for its turn (`lines`) or for its time (`later`).  `by_number`: live
    messages, so that a Stop finds its own.  `under_way`: calls begun by this owner, and the back-off's round in which
    they began.  `stranded`: calls of an owner before.  `armed`: the wake that is set.

    Doubts: `looks`, when the provider's list is asked for; `looking`, for which it is being asked; `ids`, what the
    provider has taken for each number; `lost`, by number, calls that nobody waits for any more.  `sweep`: texts to be
    looked through for those that cannot leave in time.  `left`: what the account leaves to this sender, as it is
    believed; `less_since` when it has been less.
    `told`: what was last said of the sender, `told_at` when that was looked at, `news` whether it may have changed."""

    def __init__(self) -> None:
        self.lines: dict[Priority, FairQueue] = {lane: FairQueue() for lane in Priority}
        self.later: IndexedHeap[datetime] = IndexedHeap()
        self.deadlines: IndexedHeap[datetime] = IndexedHeap()
        self.tickets: dict[str, Priority] = {}
        self.by_number: defaultdict[str, set[str]] = defaultdict(set)
        self.under_way: dict[str, int] = {}
        self.stranded: list[str] = []
        self.bucket, self.backoff = Bucket(), BackOff()
        self.doubts: set[str] = set()
        self.looks: IndexedHeap[datetime] = IndexedHeap()
        self.looking: set[str] = set()
        self.ids: dict[str, tuple[str, ...]] = {}
        self.lost: defaultdict[str, dict[str, AbandonedAttempt]] = defaultdict(dict)
        self.sweep: list[str] = []
        self.swept_at: datetime | None = None
        self.pace: float | None = None
        self.left = inf
        self.less_since: datetime | None = None
        self.came: IndexedHeap[datetime] = IndexedHeap()
        self.rests_until: datetime | None = None
        self.error: tuple[str, datetime] | None = None
        self.told: SenderStatus | None = None
        self.told_at: datetime | None = None
        self.news = False
        self.paused = False
        self.paused_by = ""
        self.opened = True
        self.armed: datetime | None = None

    @classmethod
    def of(cls, state: StateStore) -> SenderQueue:
        """The only place that looks at every row.  With rows to begin with, nothing starts before `Opened`."""
        queue = cls()
        queue.opened = not state.raw
        if (standing := state.get(QUEUE, QueueEntry)) is not None:
            queue.paused, queue.paused_by = standing.paused, standing.by
            queue.error = (
                (standing.error, standing.error_at)
                if standing.error and standing.error_at
                else None
            )
        live, called = list[tuple[datetime, int, str]](), list[tuple[datetime, int]]()
        for name in state.names():
            if name.startswith(LOST) and (lost := state.get(name, AbandonedAttempt)) is not None:
                queue.lose(name, lost)
            row = state.get(name, MessageEntry) if name.startswith(MESSAGES) else None
            if row is not None and row.place in LIVE:
                live.append((row.issued_at, row.arrival, name))
            elif row is not None:
                queue.taken(row)
            if row is not None and row.called_at is not None:
                called.append((row.called_at, row.size))
        if state.raw:
            queue.bucket = Bucket.empty(_last(called))
        for _, _, name in sorted(live):
            if (row := state.get(name, MessageEntry)) is not None:
                queue.track(name, row)
        return queue

    # --- live messages

    def track(self, name: str, row: MessageEntry) -> None:
        if row.order is None:
            return
        self.by_number[e164(row.order.to)].add(name)
        if row.place is DispatchState.QUEUED:
            self._admit(name, row)
        elif row.place is DispatchState.IN_DOUBT:
            self.doubts.add(name)
            if row.look_at is not None:
                self.looks.push(row.look_at, name)
        elif row.place is DispatchState.SENDING and name not in self.under_way:
            self.stranded.append(name)

    def _admit(self, name: str, row: MessageEntry) -> None:
        assert row.order is not None
        self.tickets[name] = row.order.lane
        self.deadlines.push(row.order.send_before, name)
        if row.not_before is None:
            self._join(name, row)
        else:
            self.later.push(row.not_before, name)

    def _join(self, name: str, row: MessageEntry) -> None:
        assert row.order is not None
        order, place = row.order, (row.issued_at, row.arrival)
        self.lines[order.lane].push(
            name, order.tenant, order.case_id or "", place, segments_of(row)
        )
        self.came.push(row.issued_at, name)

    def leave(self, name: str) -> None:
        """It is not queued any more, nor looked for; it may still be live (sending, in doubt)."""
        lane = self.tickets.pop(name, None)
        if lane is not None:
            self.lines[lane].drop(name)
            self.came.drop(name)
            self.later.drop(name)
            self.deadlines.drop(name)
        if name in self.doubts:
            self.doubts.discard(name)
            self.looks.drop(name)

    def forget(self, name: str, number: str) -> None:
        """It is done with."""
        self.leave(name)
        self.under_way.pop(name, None)
        self.looking.discard(name)
        clean = e164(number)
        live = self.by_number[clean]
        live.discard(name)
        if not live:
            del self.by_number[clean]

    def of_number(self, number: str) -> list[str]:
        """Live messages, in an order that a replay repeats."""
        return sorted(self.by_number.get(e164(number), ()))

    # --- turns

    def ripe(self, now: datetime) -> str | None:
        """One that had to wait for its time, and has."""
        first = self.later.first()
        return first[1] if first is not None and first[0] <= now else None

    def ripen(self, name: str, row: MessageEntry) -> None:
        self.later.drop(name)
        self._join(name, row)

    def head(self) -> str | None:
        """Strictly by lane."""
        for line in self.lines.values():
            if line.waiting:
                return line.first()
        return None

    def took(self, name: str) -> None:
        """The head goes."""
        self.lines[self.tickets[name]].took(name)

    def segments(self, name: str) -> int:
        return self.lines[self.tickets[name]].waiting[name].segments

    def before(self, name: str) -> int:
        """Segments that may be expected to leave before this one: of stricter lanes all, of its own by its turn."""
        lane = self.tickets[name]
        stricter = 0
        for other, line in self.lines.items():
            if other is lane:
                return stricter + (line.before(name) if name in line.waiting else 0)
            stricter += line.segments
        raise LookupError(lane)

    @property
    def total(self) -> int:
        """Segments that may leave."""
        return sum(line.segments for line in self.lines.values())

    def oldest(self) -> datetime | None:
        """When the text was ordered that has waited for the longest, of those whose time has come."""
        first = self.came.first()
        return None if first is None else first[0]

    # --- what the provider has taken

    def taken(self, row: MessageEntry) -> None:
        if row.to and row.provider_id:
            self.ids[row.to] = (*self.ids.get(row.to, ()), row.provider_id)

    def taken_long_ago(self, row: MessageEntry) -> None:
        if row.to and row.provider_id:
            left = tuple(one for one in self.ids.get(row.to, ()) if one != row.provider_id)
            if left:
                self.ids[row.to] = left
            else:
                self.ids.pop(row.to, None)

    def ids_of(self, number: str) -> Collection[str]:
        lost = (row.provider_id for row in self.lost_of(number).values())
        return {*self.ids.get(e164(number), ()), *filter(None, lost)}

    # --- calls that nobody waits for

    def lose(self, name: str, row: AbandonedAttempt) -> None:
        self.lost[row.to][name] = row

    def lost_of(self, number: str) -> Mapping[str, AbandonedAttempt]:
        return self.lost.get(e164(number), {})

    def lost_long_ago(self, name: str, row: AbandonedAttempt) -> None:
        self.lost[row.to].pop(name, None)
        if not self.lost[row.to]:
            del self.lost[row.to]


def _last(called: list[tuple[datetime, int]]) -> int:
    """Segments of the largest message that may have been the last one called: not all that were let go had their turn
    before their owner was gone."""
    last = max((at for at, _ in called), default=None)
    return 0 if last is None else max(size for at, size in called if at >= last - LET_GO)


def segments_of(row: MessageEntry) -> int:
    assert row.order is not None
    return min(max(row.order.segments, 1), MOST_SEGMENTS)
