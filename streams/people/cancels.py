"""Take a person-request back for good, because a case or a member of staff does not want it any
more.

What is with us ends here, by a decision of ours.  What is at the gate or at dispatch is canceled
there, in the name of who wants it back.  The gate's answer ends it, and it is not issued again."""

from __future__ import annotations

from datetime import datetime

from schemas.person import PersonCancel
from streams.dedup import RETENTION
from streams.people.publications import build_cancel, confirm_cancel
from streams.people.requests import Context, end_canceled, forget_at, keep, load_context
from streams.people.state import (
    WORDS_AT_MOST,
    Cancellation,
    RequestEntry,
    Stage,
    cancel_name,
    fingerprint_name,
    request_name,
)
from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult


def on_cancel(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """The first one holds.  One that comes before its request waits for it."""
    cancel: PersonCancel = record.value
    canceled = Cancellation(
        by=cancel.by[:WORDS_AT_MOST],
        case_id=cancel.case_id,
        reason=cancel.reason[:WORDS_AT_MOST],
        at=now,
    )
    if fingerprint_name(cancel.request_id) in state.raw:  # it has ended before
        return StepResult(
            publish=confirm_cancel(cancel.tenant, cancel.case_id, cancel.request_id, now)
        )
    entry = state.get(request_name(cancel.request_id), RequestEntry)
    if entry is None:
        return _wait_for_request(state, cancel.request_id, canceled)
    if entry.canceled is not None:
        return _remember_case(entry, canceled)
    context = load_context(state, now, settings)
    if entry.stage is Stage.HELD:
        return end_canceled(entry, canceled, context)
    return _take_back(entry, canceled, context)


def _remember_case(entry: RequestEntry, canceled: Cancellation) -> StepResult:
    """Somebody else has taken it back already: the case is told, too, when that is done."""
    if entry.canceled is None or entry.canceled.case_id or canceled.case_id is None:
        return NO_CHANGE
    before = entry.canceled.model_copy(update={"case_id": canceled.case_id})
    after = entry.model_copy(update={"canceled": before})
    return StepResult({request_name(entry.request.message_id): after})


def _wait_for_request(state: StateStore, request_id: str, canceled: Cancellation) -> StepResult:
    name = cancel_name(request_id)
    if name in state.raw:
        return NO_CHANGE
    return StepResult({name: canceled}, timers={name: canceled.at + RETENTION})


def _take_back(entry: RequestEntry, canceled: Cancellation, context: Context) -> StepResult:
    """Also where its person's move has canceled it already: the gate lets this cancel overrule."""
    after = entry.model_copy(
        update={"stage": Stage.CANCELING, "since": context.now, "canceled": canceled}
    )
    cancel = build_cancel(entry, context.now, canceled.reason, canceled.by)
    return keep(after, forget_at(after, context.now), cancel)
