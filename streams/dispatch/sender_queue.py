"""The index of one sender: what its state entries mean together.

It is derived from the entries, kept in memory, and never written. Whoever changes a message changes
the index with it: `StepBuilder.save` and `StepBuilder.finish` do both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from schemas.numbers import e164
from schemas.send import Priority
from schemas.sender import SenderStatus
from streams.dispatch.fair_queue import FairQueue
from streams.dispatch.indexed_heap import IndexedHeap
from streams.dispatch.pace import BackOff, PaceForecast, TokenBucket
from streams.dispatch.state import (
    ABANDONED,
    MESSAGES,
    QUEUE,
    AbandonedAttempt,
    Finished,
    InDoubt,
    LiveMessage,
    MessageEntry,
    Queued,
    QueueEntry,
    Sending,
    read_message,
)
from streams.processing import StateStore

MAX_SEGMENTS: Final = 96
"""More than any text of 1,600 characters can have: each character may be two units, and any two
neighbouring segments hold more than 67. What an order claims beyond this does not hold up the
sender."""
RELEASED_FOR: Final = timedelta(minutes=1)
"""By then a released call has begun, or never will."""


class SenderQueue:
    def __init__(self) -> None:
        # Messages that wait.
        self.queues: dict[Priority, FairQueue] = {priority: FairQueue() for priority in Priority}
        self.priorities: dict[str, Priority] = {}
        """Of each message that waits, for its turn (`queues`) or for its time (`scheduled`)."""
        self.scheduled: IndexedHeap[datetime] = IndexedHeap()
        """Messages that may not leave before a time."""
        self.deadlines: IndexedHeap[datetime] = IndexedHeap()
        self.issued: IndexedHeap[datetime] = IndexedHeap()
        """Messages that wait for their turn, by when they were ordered."""

        # All live messages, and calls.
        self.by_number: defaultdict[str, set[str]] = defaultdict(set)
        """So that a Stop finds its messages."""
        self.in_flight: dict[str, int] = {}
        """Calls begun by this owner, with the round of the back-off in which they began."""
        self.interrupted: list[str] = []
        """Calls of an earlier owner."""

        # In-doubt attempts.
        self.in_doubt: set[str] = set()
        self.lookups: IndexedHeap[datetime] = IndexedHeap()
        """When the provider's list is fetched next."""
        self.lookups_in_flight: set[str] = set()
        self.accepted_ids: dict[str, tuple[str, ...]] = {}
        """By number: provider ids of what it took."""
        self.abandoned: defaultdict[str, dict[str, AbandonedAttempt]] = defaultdict(dict)
        """By number and entry name."""

        # Pace.
        self.bucket = TokenBucket()
        self.backoff = BackOff()
        self.forecast = PaceForecast()
        self.backoff_until: datetime | None = None

        # Review: the search for texts that cannot leave in time (`returns`).
        self.to_review: list[str] = []
        self.reviewed_at: datetime | None = None
        self.reviewed_pace: float | None = None
        """The pace of the last review, or a faster one since."""

        # The sender.
        self.paused = False
        self.paused_by = ""
        self.last_error: tuple[str, datetime] | None = None
        self.published_status: SenderStatus | None = None
        self.status_checked_at: datetime | None = None
        self.status_may_differ = False
        self.is_ready = True
        """Nothing is called before controls are read to their end (PartitionAcquired)."""
        self.timer_at: datetime | None = None

    @classmethod
    def build(cls, state: StateStore) -> SenderQueue:
        """The only code that reads every entry. If there are any, nothing starts before
        PartitionAcquired."""
        queue = cls()
        queue.is_ready = not state.raw
        if (kept := state.get(QUEUE, QueueEntry)) is not None:
            queue.paused = kept.paused
            queue.paused_by = kept.by
            if kept.error and kept.error_at:
                queue.last_error = kept.error, kept.error_at
        live = list[tuple[datetime, int, str]]()
        calls = list[tuple[datetime, int]]()
        for name in state.names():
            if name.startswith(MESSAGES) and (entry := state.get(name, MessageEntry)) is not None:
                message = read_message(name, entry)
                if isinstance(message, Finished):
                    queue.remember_accepted(message)
                else:
                    live.append((entry.issued_at, entry.arrival, name))
                if entry.called_at is not None:
                    calls.append((entry.called_at, entry.size))
            elif name.startswith(ABANDONED) and (one := state.get(name, AbandonedAttempt)):
                queue.add_abandoned(name, one)
        if state.raw:
            queue.bucket = TokenBucket.empty(_largest_last_call(calls))
        for _, _, name in sorted(live):
            if (entry := state.get(name, MessageEntry)) is not None:
                message = read_message(name, entry)
                if not isinstance(message, Finished):
                    queue.track(message)
        return queue

    # --- live messages

    def track(self, message: LiveMessage) -> None:
        name = message.name
        self.by_number[e164(message.order.to)].add(name)
        match message:
            case Queued():
                self.priorities[name] = message.order.lane
                self.deadlines.push(message.order.send_before, name)
                if message.not_before is None:
                    self._join(message)
                else:
                    self.scheduled.push(message.not_before, name)
            case InDoubt():
                self.in_doubt.add(name)
                if message.lookup_at is not None:
                    self.lookups.push(message.lookup_at, name)
            case Sending() if name not in self.in_flight:
                self.interrupted.append(name)

    def _join(self, message: Queued) -> None:
        order = message.order
        segments = min(max(order.segments, 1), MAX_SEGMENTS)
        self.queues[order.lane].push(
            message.name, order.tenant, order.case_id or "", message.position, segments
        )
        self.issued.push(message.entry.issued_at, message.name)

    def untrack(self, name: str) -> None:
        """The message does not wait any more and is not looked up; it may still be live."""
        priority = self.priorities.pop(name, None)
        if priority is not None:
            self.queues[priority].remove(name)
            self.issued.drop(name)
            self.scheduled.drop(name)
            self.deadlines.drop(name)
        if name in self.in_doubt:
            self.in_doubt.discard(name)
            self.lookups.drop(name)

    def remove(self, message: LiveMessage) -> None:
        """The message is finished."""
        name = message.name
        self.untrack(name)
        self.in_flight.pop(name, None)
        self.lookups_in_flight.discard(name)
        number = e164(message.order.to)
        live = self.by_number[number]
        live.discard(name)
        if not live:
            del self.by_number[number]

    def names_of_number(self, number: str) -> list[str]:
        """Live messages, in an order that a replay repeats."""
        return sorted(self.by_number.get(e164(number), ()))

    # --- turns

    def first_due(self, now: datetime) -> str | None:
        """A scheduled message whose time has come."""
        first = self.scheduled.first()
        return first[1] if first is not None and first[0] <= now else None

    def make_due(self, message: Queued) -> None:
        self.scheduled.drop(message.name)
        self._join(message)

    def first(self) -> str | None:
        """Strictly by priority."""
        for queue in self.queues.values():
            if queue.waiting:
                return queue.first()
        return None

    def pop(self, name: str) -> None:
        """The first message leaves."""
        self.queues[self.priorities[name]].pop(name)

    def segments(self, name: str) -> int:
        return self.queues[self.priorities[name]].waiting[name].segments

    def segments_before(self, name: str) -> int:
        """Segments that are expected to leave before this message: all of stricter priorities, and
        of its own those whose turn comes first."""
        priority = self.priorities[name]
        stricter = 0
        for other, queue in self.queues.items():
            if other is priority:
                return stricter + (queue.segments_before(name) if name in queue.waiting else 0)
            stricter += queue.segments
        raise LookupError(priority)

    @property
    def total_segments(self) -> int:
        """Of all messages that wait for their turn."""
        return sum(queue.segments for queue in self.queues.values())

    def oldest(self) -> datetime | None:
        """When the message was ordered that has waited longest for its turn."""
        first = self.issued.first()
        return None if first is None else first[0]

    # --- what the provider took

    def remember_accepted(self, message: Finished) -> None:
        number = e164(message.entry.to or "")
        provider_id = message.entry.provider_id
        if number and provider_id:
            self.accepted_ids[number] = (*self.accepted_ids.get(number, ()), provider_id)

    def forget_accepted(self, message: Finished) -> None:
        number = e164(message.entry.to or "")
        if number and message.entry.provider_id:
            ids = self.accepted_ids.get(number, ())
            left = tuple(one for one in ids if one != message.entry.provider_id)
            if left:
                self.accepted_ids[number] = left
            else:
                self.accepted_ids.pop(number, None)

    def ids_of_number(self, number: str) -> Collection[str]:
        """Provider ids of this number that belong to an attempt that we know."""
        abandoned = (one.provider_id for one in self.find_abandoned(number).values())
        return {*self.accepted_ids.get(e164(number), ()), *filter(None, abandoned)}

    def add_abandoned(self, name: str, attempt: AbandonedAttempt) -> None:
        self.abandoned[e164(attempt.to)][name] = attempt

    def find_abandoned(self, number: str) -> Mapping[str, AbandonedAttempt]:
        return self.abandoned.get(e164(number), {})

    def forget_abandoned(self, name: str, attempt: AbandonedAttempt) -> None:
        number = e164(attempt.to)
        self.abandoned[number].pop(name, None)
        if not self.abandoned[number]:
            del self.abandoned[number]


def _largest_last_call(calls: list[tuple[datetime, int]]) -> int:
    """Segments of the largest message that may have been the last one called. Several may be: not
    all released calls had begun when their owner was gone."""
    last = max((at for at, _ in calls), default=None)
    return 0 if last is None else max(size for at, size in calls if at >= last - RELEASED_FOR)
