"""Let go what may go now, hand back what is too late, and say when to look again.

Only orders, wakes and `Opened` pump: the kit takes them after every control it has, so a STOP that is already on Kafka
is folded before the next call begins.  Controls and answers only arm the wake.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptState
from schemas.returned import Returned
from schemas.topics import RETURNED
from streams.dispatch.calls import Post
from streams.dispatch.draft import Draft
from streams.dispatch.rows import QUEUE, MessageRow, Place, QueueRow
from streams.step import Settings

UNDER_WAY: Final = 32
"""Calls of one sender at a time."""
AHEAD: Final = 0.2
"""Seconds: what is due within this is let go at once, so that one commit serves several calls; `Spacing` holds each
call until it is due.  The wake comes at half of it, which leaves the other half for a commit."""
LATE_AT_ONCE: Final = 200
"""Orders handed back in one step."""
UNKNOWN_SENDER: Final = 10.0
"""Seconds until a sender that the settings do not know is looked up again; its texts wait."""


def pump(draft: Draft, settings: Settings) -> None:
    queue = draft.queue
    if not queue.opened:
        return
    queue.bucket.tick(draft.now)
    queue.ripen(draft.now)
    _hand_back_late(draft)
    pace = pace_of(draft.sender, settings)
    if pace is not None and not queue.paused:
        while (name := queue.head()) and len(queue.under_way) < UNDER_WAY:
            if queue.bucket.wait(queue.tickets[name].segments, pace) > AHEAD:
                break
            _start(draft, name, pace)
    arm(draft, settings)


def arm(draft: Draft, settings: Settings) -> None:
    """A wake that is set for earlier is left: waking for nothing does no harm, writing a row for nothing costs."""
    queue = draft.queue
    if not queue.opened:
        return
    queue.bucket.tick(draft.now)
    at = next_look(draft, settings)
    if at is not None and (queue.armed is None or at < queue.armed):
        queue.armed = at
        if not draft.has(QUEUE):
            draft.put(QUEUE, QueueRow())
        draft.wake(QUEUE, at)


def next_look(draft: Draft, settings: Settings) -> datetime | None:
    queue, now = draft.queue, draft.now
    times = [first[0] for first in (queue.deadlines.first(), None if queue.paused else queue.later.first()) if first]
    name = None if queue.paused else queue.head()
    if name is not None:
        pace = pace_of(draft.sender, settings)
        if pace is None:
            times.append(now + timedelta(seconds=UNKNOWN_SENDER))
        elif len(queue.under_way) < UNDER_WAY:
            wait = queue.bucket.wait(queue.tickets[name].segments, pace) - AHEAD / 2
            times.append(now + timedelta(seconds=max(0.0, wait)))
    return max(now, min(times)) if times else None


def pace_of(sender: str, settings: Settings) -> float | None:
    """Segments per second."""
    known = settings.senders.get(sender)
    return None if known is None else known.segments_per_second


def _start(draft: Draft, name: str, pace: float) -> None:
    """Write-ahead: the call may begin only once this row is durable."""
    queue, row = draft.queue, draft.get(name, MessageRow)
    assert row is not None
    assert row.order is not None
    order, number, segments = row.order, row.next_attempt, queue.tickets[name].segments
    wait = queue.bucket.take(segments, pace)
    queue.under_way[name] = queue.backoff.round
    draft.place(name, row.model_copy(update={
        "place": Place.SENDING, "attempt": number, "next_attempt": number + 1, "not_before": None,
    }))  # fmt: skip
    draft.report(order, number, AttemptState.SENDING)
    draft.post(Post(order.tenant, order.message_id, number, draft.sender, order.to, order.body, wait, segments / pace))


def _hand_back_late(draft: Draft) -> None:
    for _ in range(LATE_AT_ONCE):
        first = draft.queue.deadlines.first()
        if first is None or first[0] > draft.now:
            return
        row = draft.get(first[1], MessageRow)
        assert row is not None
        hand_back(draft, first[1], row, "out_of_time", "it could not leave by its send_before")


def hand_back(
    draft: Draft, name: str, row: MessageRow, code: str, reason: str, until: datetime | None = None
) -> None:
    """The gate judges it again, and may order it again, not before `until` and with an `issued_at` of its own."""
    order = row.order
    assert order is not None
    draft.finish(name, row, Place.EXPIRED)
    draft.report(order, row.attempt, AttemptState.EXPIRED, code=code, evidence=reason)
    draft.publish(RETURNED, Returned(order=order, reason=reason, at=draft.now, until=until))
