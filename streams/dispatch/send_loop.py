"""Release the calls that are due, apply their results, and set the timer for the next time.

Only orders, timers and PartitionAcquired run the loop. The runtime takes them after every control
that it has, so a STOP that is already on Kafka is applied before the next call begins. Controls and
results only set the timer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.attempt import AttemptCode, AttemptState, ReturnReason
from streams.dispatch.contacts import publish_leaving, publish_untaken
from streams.dispatch.in_doubt import MAX_LOOKUPS, mark_in_doubt
from streams.dispatch.pace import pace_of
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.dispatch.returns import (
    RECALLED,
    is_recalled,
    return_late,
    return_to_gate,
    return_unmeetable,
)
from streams.dispatch.sender_status import STATUS_INTERVAL, build_queue_entry
from streams.dispatch.state import (
    MAX_ID_LENGTH,
    QUEUE,
    DispatchState,
    Queued,
    Sending,
    message_name,
)
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

MAX_IN_FLIGHT: Final = 64
"""Calls of one sender at a time, and so the most that a kill can leave in doubt. A slow sender
never gets there: while a call lasts, its pace releases no more than pace x (call timeout +
RELEASE_AHEAD)."""
RELEASE_AHEAD: Final = 0.2
"""Seconds: calls that are due within this time are released at once, so that one commit serves
several. `CallSpacing` then holds each call until its exact time. The timer fires at half of it. The
other half must outlast the wait for the next transaction (dispatch's tick, or a slow commit), or
pace is lost."""
MAX_RETRY_WAIT: Final = 60.0
"""Seconds: the longest wait of a text that did not reach the provider several times."""
UNKNOWN_SENDER_RETRY: Final = 10.0
"""Seconds until a sender that the settings do not know is looked up again; its texts wait."""

CODES: Final = {
    Result.REFUSED: AttemptCode.NOT_TAKEN,
    Result.LIMITED: AttemptCode.TOO_MANY,
    Result.UNSENT: AttemptCode.UNSENT,
    Result.IN_DOUBT: AttemptCode.IN_DOUBT,
}
"""By result: our own code, where the provider gave none."""
NOT_CALLED: Final = frozenset({AttemptCode.ACCOUNT_PACE, AttemptCode.LEASE_OVER})
"""Codes of calls that were never made: they must not hide what the provider said last."""


def send_due(step: StepBuilder, settings: Settings) -> None:
    queue = step.queue
    if not queue.is_ready:
        return
    queue.bucket.advance(step.now)
    while (name := queue.first_due(step.now)) is not None:
        queue.make_due(step.expect(name, Queued))
    return_late(step)
    return_unmeetable(step, settings)
    pace = pace_of(step.sender, settings)
    paused_until = settings.call_limits.paused_until
    if pace is not None and not queue.paused and (paused_until is None or paused_until <= step.now):
        while len(queue.in_flight) < MAX_IN_FLIGHT and (name := queue.first()):
            if queue.bucket.wait(queue.segments(name), pace) > RELEASE_AHEAD:
                break
            _start_call(step, name, pace, settings)
    set_next_timer(step, settings)


def _start_call(step: StepBuilder, name: str, pace: float, settings: Settings) -> None:
    """Write-ahead: the call may begin only once the `sending` entry is committed."""
    queue = step.queue
    queued = step.expect(name, Queued)
    segments = queue.segments(name)
    delay = queue.bucket.take(segments, pace)
    queue.in_flight[name] = queue.backoff.round
    queue.pop(name)
    message = queued.start(step.now, segments)
    step.save(message)
    step.report(message, AttemptState.SENDING)
    publish_leaving(step, message, settings)
    step.call(
        SendCall(
            message.order.tenant,
            message.order.message_id,
            message.attempt,
            step.sender,
            message.order.to,
            message.order.body,
            delay,
            segments / pace,
            segments,
        )
    )


def on_send_result(step: StepBuilder, result: SendResult, settings: Settings) -> None:
    """A result counts once, and only for the call that it belongs to."""
    name = message_name(result.tenant, result.message_id)
    message = step.message(name)
    began = step.queue.in_flight.pop(name, None)
    if not isinstance(message, Sending) or message.attempt != result.attempt:
        return
    if began is not None:
        _adjust_pace(step, result, began)
    match result.result:
        case Result.ACCEPTED:
            step.report(
                message,
                AttemptState.ACCEPTED,
                provider_id=result.provider_id,
                segments=result.segments,
            )
            step.finish(message, DispatchState.ACCEPTED, result.provider_id or "")
        case Result.REFUSED:
            code = error_code(result)
            publish_untaken(step, message, settings)
            step.report(message, AttemptState.REFUSED, code=code, evidence=result.detail)
            step.finish(message, DispatchState.REFUSED)
        case Result.LIMITED | Result.UNSENT:
            publish_untaken(step, message, settings)
            _requeue(step, message, result)
        case Result.IN_DOUBT:
            evidence = result.detail or "no response that we could read"
            mark_in_doubt(step, message, evidence, settings, code=result.code)


def _adjust_pace(step: StepBuilder, result: SendResult, began: int) -> None:
    queue = step.queue
    code = error_code(result)
    if code is not None and code not in NOT_CALLED:
        queue.last_error = code[:MAX_ID_LENGTH], step.now
    if result.result in (Result.LIMITED, Result.UNSENT):
        queue.bucket.advance(step.now)
        pause = queue.backoff.slow_down(began, result.retry_after)
        queue.bucket.pause(pause)
        queue.backoff_until = step.now + timedelta(seconds=pause)
    else:
        queue.backoff.recover(began)


def error_code(result: SendResult) -> str | None:
    """The provider's code, or our own where it gave none; None: there was no error."""
    if result.code or result.result is Result.ACCEPTED:
        return result.code
    return CODES[result.result]


def _requeue(step: StepBuilder, message: Sending, result: SendResult) -> None:
    """The provider surely did not take it. After a 429 the text keeps its position, because the
    sender as a whole waits. A text that did not reach the provider also waits by itself, so that
    one bad text holds up no other."""
    is_unsent = result.result is Result.UNSENT
    step.report(message, AttemptState.DEFERRED, code=error_code(result), evidence=result.detail)
    if message.cancel_code:
        step.report(message, AttemptState.CANCELED, code=message.cancel_code)
        step.finish(message, DispatchState.CANCELED)
        return
    if is_recalled(step, message.order):
        return_to_gate(step, message, ReturnReason.RECALLED, RECALLED)
        return
    not_before = None
    if is_unsent:
        wait = min(MAX_RETRY_WAIT, 2.0 ** min(message.attempt, 10))
        not_before = step.now + timedelta(seconds=wait)
    step.save(message.requeue(not_before))


def set_next_timer(step: StepBuilder, settings: Settings) -> None:
    """A timer that is set for earlier stays: firing for nothing does no harm, but writing an entry
    for nothing costs."""
    queue = step.queue
    if not queue.is_ready:
        return
    queue.bucket.advance(step.now)
    if queue.timer_at is not None and queue.timer_at <= step.now:  # nothing is due before now
        return
    at = _next_time(step, settings)
    if at is not None and (queue.timer_at is None or at < queue.timer_at):
        queue.timer_at = at
        if not step.has(QUEUE):
            step.put_quietly(QUEUE, build_queue_entry(queue))
        step.set_timer(QUEUE, at)


def _next_time(step: StepBuilder, settings: Settings) -> datetime | None:
    """When something is due: a call, a return, a lookup, a change of the status."""
    queue = step.queue
    now = step.now
    if queue.to_review:
        return now
    at = (queue.status_checked_at or now) + STATUS_INTERVAL if queue.status_may_differ else None
    at = _earlier(at, queue.deadlines.first())
    if not queue.paused:
        at = _earlier(at, queue.scheduled.first())
        at = _earlier(at, _next_call(step, settings))
    if len(queue.lookups_in_flight) < MAX_LOOKUPS:
        at = _earlier(at, queue.lookups.first())
    return None if at is None else max(now, at)


def _earlier(at: datetime | None, other: tuple[datetime, str] | None) -> datetime | None:
    return at if other is None or (at is not None and at <= other[0]) else other[0]


def _next_call(step: StepBuilder, settings: Settings) -> tuple[datetime, str] | None:
    """When the first message may leave. None while too many calls are in flight: their results set
    the timer."""
    queue = step.queue
    if len(queue.in_flight) >= MAX_IN_FLIGHT or (name := queue.first()) is None:
        return None
    pace = pace_of(step.sender, settings)
    if pace is None:
        return step.now + timedelta(seconds=UNKNOWN_SENDER_RETRY), name
    wait = queue.bucket.wait(queue.segments(name), pace) - RELEASE_AHEAD / 2
    at = step.now + timedelta(seconds=wait) if wait > 0 else step.now
    paused_until = settings.call_limits.paused_until
    return at if paused_until is None else max(at, paused_until), name
