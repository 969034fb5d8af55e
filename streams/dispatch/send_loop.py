"""Let go what may go now, hand back what is too late, and say when to look again.

Only orders, wakes and `Opened` pump: the kit takes them after every control it has, so a STOP that is already on Kafka
is folded before the next call begins.  Controls and answers only arm the wake.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptState
from streams.dispatch.provider_calls import SendCall
from streams.dispatch.returns import hand_back_hopeless, hand_back_late
from streams.dispatch.sender_status import EVERY, pace_of, queue_row
from streams.dispatch.state import QUEUE, DispatchState, MessageEntry
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

UNDER_WAY: Final = 64
"""Calls of one sender at a time, and so the most that a kill can leave in doubt.  A slow sender never gets there: its
pace lets go of no more than pace x (call time-out + AHEAD) in the time that a call may take."""
AHEAD: Final = 0.2
"""Seconds: what is due within this is let go at once, so that one commit serves several calls; `Spacing` holds each
call until it is due.  The wake comes at half of it.  The other half must outlast the wait for the next transaction
(dispatch's tick, or a commit that takes longer), or pace is lost."""
UNKNOWN_SENDER: Final = 10.0
"""Seconds until a sender that the settings do not know is looked up again; its texts wait."""
LOOKING: Final = 8
"""Lists of the provider's that are asked for at a time, for one sender."""


def pump(draft: StepBuilder, settings: Settings) -> None:
    queue = draft.queue
    if not queue.opened:
        return
    queue.bucket.tick(draft.now)
    _ripen(draft)
    hand_back_late(draft)
    hand_back_hopeless(draft, settings)
    pace, rest = pace_of(draft.sender, settings), settings.call_limits.paused_until
    if pace is not None and not queue.paused and (rest is None or rest <= draft.now):
        while len(queue.under_way) < UNDER_WAY and (name := queue.head()):
            if queue.bucket.wait(queue.segments(name), pace) > AHEAD:
                break
            _start(draft, name, pace)
    arm(draft, settings)


def arm(draft: StepBuilder, settings: Settings) -> None:
    """A wake that is set for earlier is left: waking for nothing does no harm, writing a row for nothing costs."""
    queue = draft.queue
    if not queue.opened:
        return
    queue.bucket.tick(draft.now)
    if queue.armed is not None and queue.armed <= draft.now:  # nothing is due before now
        return
    at = next_look(draft, settings)
    if at is not None and (queue.armed is None or at < queue.armed):
        queue.armed = at
        if not draft.has(QUEUE):
            draft.keep(QUEUE, queue_row(queue))
        draft.set_timer(QUEUE, at)


def next_look(draft: StepBuilder, settings: Settings) -> datetime | None:
    queue, now = draft.queue, draft.now
    if queue.sweep:
        return now
    at = (queue.told_at or now) + EVERY if queue.news else None
    at = _sooner(at, queue.deadlines.first())
    if not queue.paused:
        at = _sooner(at, queue.later.first())
        at = _sooner(at, _turn(draft, settings))
    if len(queue.looking) < LOOKING:
        at = _sooner(at, queue.looks.first())
    return None if at is None else max(now, at)


def _sooner(at: datetime | None, other: tuple[datetime, str] | None) -> datetime | None:
    return at if other is None or (at is not None and at <= other[0]) else other[0]


def _turn(draft: StepBuilder, settings: Settings) -> tuple[datetime, str] | None:
    """When the head may go; an answer arms by itself."""
    queue = draft.queue
    if len(queue.under_way) >= UNDER_WAY or (name := queue.head()) is None:
        return None
    pace, rest = pace_of(draft.sender, settings), settings.call_limits.paused_until
    if pace is None:
        return draft.now + timedelta(seconds=UNKNOWN_SENDER), name
    wait = queue.bucket.wait(queue.segments(name), pace) - AHEAD / 2
    at = draft.now + timedelta(seconds=wait) if wait > 0 else draft.now
    return at if rest is None else max(at, rest), name


def _ripen(draft: StepBuilder) -> None:
    while (name := draft.queue.ripe(draft.now)) is not None:
        row = draft.get(name, MessageEntry)
        assert row is not None
        draft.queue.ripen(name, row)


def _start(draft: StepBuilder, name: str, pace: float) -> None:
    """Write-ahead: the call may begin only once this row is durable."""
    queue, row = draft.queue, draft.get(name, MessageEntry)
    assert row is not None
    assert row.order is not None
    order, number, segments = row.order, row.next_attempt, queue.segments(name)
    wait = queue.bucket.take(segments, pace)
    queue.under_way[name] = queue.backoff.round
    queue.took(name)
    draft.place(
        name,
        row.model_copy(
            update={
                "place": DispatchState.SENDING,
                "attempt": number,
                "next_attempt": number + 1,
                "not_before": None,
                "called_at": draft.now,
                "size": segments,
            }
        ),
    )
    draft.report(order, number, AttemptState.SENDING)
    draft.effect(
        SendCall(
            order.tenant,
            order.message_id,
            number,
            draft.sender,
            order.to,
            order.body,
            wait,
            segments / pace,
            segments,
        )
    )
