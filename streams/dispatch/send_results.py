"""What came of a call."""

from __future__ import annotations

from datetime import timedelta

from schemas.attempt import AttemptState
from streams.dispatch.in_doubt import doubt
from streams.dispatch.provider_calls import Result, SendResult
from streams.dispatch.state import LONGEST_ID, DispatchState, MessageEntry, message_name
from streams.dispatch.step_builder import StepBuilder
from streams.processing import Settings

LONGEST_WAIT = 60.0
"""Seconds that a text waits, at most, which did not reach the provider again and again."""


def answered(draft: StepBuilder, answer: SendResult, settings: Settings) -> None:
    """An answer counts once, and only for the call it is about."""
    name = message_name(answer.tenant, answer.message_id)
    row = draft.get(name, MessageEntry)
    began = draft.queue.under_way.pop(name, None)
    if (
        row is None
        or row.order is None
        or row.place is not DispatchState.SENDING
        or row.attempt != answer.attempt
    ):
        return
    if began is not None:
        _mind_the_pace(draft, answer, began)
    match answer.result:
        case Result.ACCEPTED:
            draft.report(
                row.order,
                row.attempt,
                AttemptState.ACCEPTED,
                provider_id=answer.provider_id,
                segments=answer.segments,
            )
            draft.finish(
                name,
                row,
                DispatchState.ACCEPTED,
                provider_id=(answer.provider_id or "")[:LONGEST_ID],
            )
        case Result.REFUSED:
            draft.report(
                row.order,
                row.attempt,
                AttemptState.REFUSED,
                code=answer.code,
                evidence=answer.detail,
            )
            draft.finish(name, row, DispatchState.REFUSED)
        case Result.LIMITED | Result.UNSENT:
            _try_again(draft, name, row, answer)
        case Result.IN_DOUBT:
            evidence = answer.detail or "no answer that could be understood"
            doubt(draft, name, row, evidence, settings, code=answer.code)


def _mind_the_pace(draft: StepBuilder, answer: SendResult, began: int) -> None:
    queue = draft.queue
    if answer.code or answer.result is not Result.ACCEPTED:
        queue.error = (answer.code or answer.result.value)[:LONGEST_ID], draft.now
    if answer.result in (Result.LIMITED, Result.UNSENT):
        queue.bucket.tick(draft.now)
        rest = queue.backoff.slowed(began, answer.retry_after)
        queue.bucket.rest(rest)
        queue.rests_until = draft.now + timedelta(seconds=rest)
    else:
        queue.backoff.went(began)


def _try_again(draft: StepBuilder, name: str, row: MessageEntry, answer: SendResult) -> None:
    """Known not to have been taken.  After a 429 it keeps its place in the queue, for the sender as a whole waits;
    what did not get through to the provider waits by itself too, so that one bad text holds up nobody."""
    assert row.order is not None
    code = answer.code or ("unsent" if answer.result is Result.UNSENT else "429")
    draft.report(row.order, row.attempt, AttemptState.DEFERRED, code=code, evidence=answer.detail)
    if row.barred:
        draft.report(row.order, row.attempt, AttemptState.CANCELED, code=row.barred)
        draft.finish(name, row, DispatchState.CANCELED)
        return
    alone = (
        min(LONGEST_WAIT, 2.0 ** min(row.attempt, 10)) if answer.result is Result.UNSENT else 0.0
    )
    later = draft.now + timedelta(seconds=alone) if alone else None
    draft.place(name, row.model_copy(update={"place": DispatchState.QUEUED, "not_before": later}))
