"""What cannot leave in its time goes back to the gate, as soon as that is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptState
from schemas.returned import Returned
from schemas.topics import RETURNED
from streams.dispatch.expected import expected_pace
from streams.dispatch.state import DispatchState, MessageEntry
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

LATE_AT_ONCE: Final = 200
"""Orders handed back in one step."""
LOOKED_THROUGH: Final = 5_000
"""Texts of the queue looked through in one step."""
SWEEP_EVERY: Final = timedelta(minutes=1)
SOON: Final = timedelta(seconds=1)
"""The queue as a whole is looked through for what cannot leave in time; soon, when the pace has fallen."""


def hand_back(
    draft: StepBuilder,
    name: str,
    row: MessageEntry,
    code: str,
    reason: str,
    until: datetime | None = None,
) -> None:
    """The gate judges it again, and may order it again, not before `until` and with an `issued_at` of its own."""
    order = row.order
    assert order is not None
    draft.finish(name, row, DispatchState.EXPIRED)
    draft.report(order, row.attempt, AttemptState.EXPIRED, code=code, evidence=reason)
    draft.publish(
        RETURNED,
        Returned(
            order=order, reason=reason, at=draft.now, until=until, code=code, attempt=row.attempt
        ),
    )


def hand_back_late(draft: StepBuilder) -> None:
    """Those whose time is over."""
    for _ in range(LATE_AT_ONCE):
        first = draft.queue.deadlines.first()
        if first is None or first[0] > draft.now:
            return
        row = draft.get(first[1], MessageEntry)
        assert row is not None
        hand_back(draft, first[1], row, "out_of_time", "it could not leave by its send_before")


def no_room(draft: StepBuilder, name: str, row: MessageEntry, settings: Settings) -> bool:
    """Whether this text, which has just joined, was handed back because of what stands before it."""
    order, queue = row.order, draft.queue
    assert order is not None
    pace, left = expected_pace(draft, settings), (order.send_before - draft.now).total_seconds()
    if pace is None or queue.total / pace < left:  # all that wait leave in time: nearly always
        return False
    turn = _turn(draft, name, pace)
    if turn is None or turn < order.send_before:
        return False
    minutes = (turn - draft.now).total_seconds() / 60
    reason = f"about {minutes:.0f} minutes of texts stand before it: it could not leave by its send_before"
    hand_back(draft, name, row, "no_room", reason, turn)
    return True


def _turn(draft: StepBuilder, name: str, pace: float) -> datetime | None:
    """About when it may leave; None where nobody can say."""
    queue = draft.queue
    if queue.paused or name in queue.later:
        return None
    return draft.now + timedelta(seconds=queue.before(name) / pace)


def hand_back_hopeless(draft: StepBuilder, settings: Settings) -> None:
    """Look through the queue, some of it in each step, if its end would come after the first deadline in it: once a
    minute, or soon if the pace has fallen (that of one that was paused was none)."""
    queue, pace = draft.queue, expected_pace(draft, settings)
    if pace is None or queue.paused:
        queue.sweep, queue.swept_at, queue.pace = [], None, None
        return
    _begin_sweep(draft, pace)
    back = 0
    for _ in range(min(LOOKED_THROUGH, len(queue.sweep))):
        if back == LATE_AT_ONCE:
            return
        back += _hopeless(draft, queue.sweep.pop(), pace, settings)


def _begin_sweep(draft: StepBuilder, pace: float) -> None:
    """`queue.pace`: the one by which it was looked through last, or a faster one since."""
    queue = draft.queue
    slower = queue.pace is None or pace < queue.pace
    every = SOON if slower else SWEEP_EVERY
    if not slower:
        queue.pace = pace
    if queue.sweep or (queue.swept_at is not None and draft.now - queue.swept_at < every):
        return
    queue.swept_at, queue.pace, first = draft.now, pace, queue.deadlines.first()
    if first is not None and first[0] <= draft.now + timedelta(seconds=queue.total / pace):
        queue.sweep = list(queue.tickets)


def _hopeless(draft: StepBuilder, name: str, pace: float, settings: Settings) -> bool:
    at = draft.queue.deadlines.at(name)
    turn = None if at is None else _turn(draft, name, pace)
    if at is None or turn is None or turn < at:
        return False
    row = draft.get(name, MessageEntry)
    assert row is not None
    return no_room(draft, name, row, settings)
