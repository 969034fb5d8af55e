"""A call has a result: the message is accepted, refused, queued again, or in doubt."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from schemas.attempt import AttemptState
from streams.dispatch.in_doubt import mark_in_doubt
from streams.dispatch.provider_calls import Result, SendResult
from streams.dispatch.state import MAX_ID_LENGTH, DispatchState, Sending, message_name
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

MAX_RETRY_WAIT: Final = 60.0
"""Seconds: the longest wait of a text that did not reach the provider several times."""


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
            step.report(message, AttemptState.REFUSED, code=result.code, evidence=result.detail)
            step.finish(message, DispatchState.REFUSED)
        case Result.LIMITED | Result.UNSENT:
            _queue_again(step, message, result)
        case Result.IN_DOUBT:
            evidence = result.detail or "no answer that could be understood"
            mark_in_doubt(step, message, evidence, settings, code=result.code)


def _adjust_pace(step: StepBuilder, result: SendResult, began: int) -> None:
    queue = step.queue
    if result.code or result.result is not Result.ACCEPTED:
        queue.last_error = (result.code or result.result.value)[:MAX_ID_LENGTH], step.now
    if result.result in (Result.LIMITED, Result.UNSENT):
        queue.bucket.advance(step.now)
        pause = queue.backoff.slow_down(began, result.retry_after)
        queue.bucket.pause(pause)
        queue.backoff_until = step.now + timedelta(seconds=pause)
    else:
        queue.backoff.recover(began)


def _queue_again(step: StepBuilder, message: Sending, result: SendResult) -> None:
    """The provider surely did not take it. After a 429 the text keeps its position, because the
    sender as a whole waits. A text that did not reach the provider also waits by itself, so that
    one bad text holds up no other."""
    is_unsent = result.result is Result.UNSENT
    code = result.code or ("unsent" if is_unsent else "429")
    step.report(message, AttemptState.DEFERRED, code=code, evidence=result.detail)
    if message.cancel_code:
        step.report(message, AttemptState.CANCELED, code=message.cancel_code)
        step.finish(message, DispatchState.CANCELED)
        return
    not_before = None
    if is_unsent:
        wait = min(MAX_RETRY_WAIT, 2.0 ** min(message.attempt, 10))
        not_before = step.now + timedelta(seconds=wait)
    step.save(message.requeue(not_before))
