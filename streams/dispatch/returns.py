"""What cannot leave in time returns to the gate, as soon as that is known.

It is known at three times: when an order joins the queue, when its `send_before` has passed, and in
a review of the whole queue. A review runs once a minute if the end of the queue would come after
the first deadline in it, and soon after the pace has fallen. It is spread over steps.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptState, ReturnReason
from schemas.send import Returned, Send
from schemas.topics import RETURNED
from streams.dispatch.state import (
    DispatchState,
    LiveMessage,
    Queued,
    RecallEntry,
    is_decided_before,
    recall_name,
)
from streams.dispatch.step_builder import StepBuilder
from streams.error_codes import lookup
from streams.processing import Settings

MAX_RETURNS: Final = 200
"""Orders returned in one step."""
MAX_REVIEWED: Final = 5_000
"""Texts reviewed in one step."""
REVIEW_INTERVAL: Final = timedelta(minutes=1)
RECENT: Final = timedelta(minutes=1)
"""After a pause: the provider may have gone on to refuse."""
SLOWER_REVIEW_INTERVAL: Final = timedelta(seconds=1)
"""After the pace has fallen. A paused sender had none."""


RECALLED: Final = "its recipient may have opted out: the gate holds it"


def is_recalled(step: StepBuilder, order: Send) -> bool:
    """A Recall is known that is later than the decision behind this order."""
    entry = step.get(recall_name(order.tenant, order.to), RecallEntry)
    return entry is not None and is_decided_before(order, entry.epoch, entry.at)


def return_to_gate(
    step: StepBuilder, message: LiveMessage, code: str, reason: str, until: datetime | None = None
) -> None:
    """The gate evaluates the text again. It may order it again, not before `until`, and with a new
    `issued_at`."""
    step.finish(message, DispatchState.EXPIRED)
    step.report(message, AttemptState.EXPIRED, code=code, evidence=reason)
    step.publish(
        RETURNED,
        Returned(
            order=message.order,
            reason=reason,
            at=step.now,
            until=until,
            code=code,
            attempt=message.attempt,
        ),
    )


def return_late(step: StepBuilder) -> None:
    """Texts whose `send_before` has passed."""
    for _ in range(MAX_RETURNS):
        first = step.queue.deadlines.first()
        if first is None or first[0] > step.now:
            return
        message = step.expect(first[1], Queued)
        reason = f"it could not leave by its send_before{_why_not_before(step)}"
        return_to_gate(step, message, ReturnReason.OUT_OF_TIME, reason)


def _why_not_before(step: StepBuilder) -> str:
    """What the provider said last, if that still holds the sender up."""
    error = step.queue.last_error
    until = step.queue.backoff_until
    if error is None or until is None or until + RECENT < step.now:
        return ""
    return f": the provider's last word was {error[0]} ({lookup(error[0]).title})"


def return_if_full(step: StepBuilder, message: Queued, settings: Settings) -> bool:
    """Whether this text, which waits in the queue, was returned because of what stands before
    it."""
    queue = step.queue
    send_before = message.order.send_before
    pace = queue.forecast.estimate(step.sender, settings, step.now)
    left = (send_before - step.now).total_seconds()
    if pace is None or queue.total_segments / pace < left:  # all leave in time: nearly always
        return False
    turn = _expected_turn(step, message.name, pace)
    if turn is None or turn < send_before:
        return False
    minutes = (turn - step.now).total_seconds() / 60
    reason = (
        f"about {minutes:.0f} minutes of texts stand before it: "
        "it could not leave by its send_before"
    )
    return_to_gate(step, message, ReturnReason.NO_ROOM, reason, turn)
    return True


def return_unmeetable(step: StepBuilder, settings: Settings) -> None:
    """Review the queue, a part of it in each step."""
    queue = step.queue
    pace = queue.forecast.estimate(step.sender, settings, step.now)
    if pace is None or queue.paused:
        queue.to_review = []
        queue.reviewed_at = None
        queue.reviewed_pace = None
        return
    _begin_review(step, pace)
    returned = 0
    for _ in range(min(MAX_REVIEWED, len(queue.to_review))):
        if returned == MAX_RETURNS:
            return
        returned += _return_if_unmeetable(step, queue.to_review.pop(), pace, settings)


def _begin_review(step: StepBuilder, pace: float) -> None:
    queue = step.queue
    is_slower = queue.reviewed_pace is None or pace < queue.reviewed_pace
    interval = SLOWER_REVIEW_INTERVAL if is_slower else REVIEW_INTERVAL
    if not is_slower:
        queue.reviewed_pace = pace
    is_recent = queue.reviewed_at is not None and step.now - queue.reviewed_at < interval
    if queue.to_review or is_recent:
        return
    queue.reviewed_at = step.now
    queue.reviewed_pace = pace
    first = queue.deadlines.first()
    end = step.now + timedelta(seconds=queue.total_segments / pace)
    if first is not None and first[0] <= end:
        queue.to_review = list(queue.priorities)


def _return_if_unmeetable(step: StepBuilder, name: str, pace: float, settings: Settings) -> bool:
    deadline = step.queue.deadlines.key_of(name)
    if deadline is None:  # it has left since the review began
        return False
    turn = _expected_turn(step, name, pace)
    if turn is None or turn < deadline:
        return False
    return return_if_full(step, step.expect(name, Queued), settings)


def _expected_turn(step: StepBuilder, name: str, pace: float) -> datetime | None:
    """About when the text may leave; None if that cannot be estimated."""
    queue = step.queue
    if queue.paused or name in queue.scheduled:
        return None
    return step.now + timedelta(seconds=queue.segments_before(name) / pace)
