"""Read the decisions, attempts and delivery receipts of one message together.

Theory of operation
-------------------
The entity key is one message.  Its decisions, attempts and receipts come on three topics, so they
can arrive in any order and more than once.  The result must not depend on either:

1. `outcomes` only adds to `MessageState`: the decision with the highest `seq`, and each distinct
   report of each attempt.  Adding the same thing again changes nothing
   (`streams.outcomes.reports`).
2. The message's state is a pure function of that set (`streams.outcomes.message_state`).
3. `outcomes_finish` runs once at the end of a batch.  It compares the state before and after the
   batch and publishes the difference: one new version of the outcome, and what other processors
   must know.

Nothing is published before the decision is known.  What comes earlier is kept until then.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.attempt import Attempt, DeliveryReceipt
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Decision
from schemas.numbers import is_same_number
from streams.lifecycle import STRENGTH
from streams.outcomes.alerts import build_alerts
from streams.outcomes.case_records import build_case_records
from streams.outcomes.message_state import (
    can_be_forgotten,
    derive_status,
    next_timer,
    with_receipt_timeout,
)
from streams.outcomes.publications import (
    build_cancel_confirmation,
    build_consent_events,
    build_number_facts,
    build_request_cancel,
    build_sightings,
    publish_outcome,
)
from streams.outcomes.reports import add_report, keep_strongest
from streams.outcomes.state import (
    MESSAGE,
    DecisionSummary,
    MessageState,
    Report,
    build_report,
    summarize_decision,
)
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Settings,
    StateStore,
    StepResult,
    build_dead_letter,
)

MAX_UNRECOGNIZED: Final = 10


def outcomes(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    value = record.value
    if not isinstance(value, Decision | Attempt | DeliveryReceipt):
        return NO_CHANGE
    before = state.get(MESSAGE, MessageState)
    if before is None:
        before = MessageState(tenant=value.tenant, message_id=value.message_id)
    if not is_same_text(before, value):
        reason = "this message id stands for another text or number: use an id of its own"
        letter = build_dead_letter("outcomes", record, now, DeadLetterCause.ID_REUSED, reason)
        return StepResult(publish=(letter,))
    if isinstance(value, Decision):
        after = with_decision(before, value)
    else:
        after = with_report(before, record, now)
    return NO_CHANGE if after is before else _change(state, before, after)


def _change(state: StateStore, before: MessageState, after: MessageState) -> StepResult:
    """Note the state before the batch's first change: `outcomes_finish` publishes the
    difference."""
    if state.pending is None:
        state.pending = before
    return StepResult({MESSAGE: after})


def outcomes_finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    """Publish what the batch has changed about the message, once."""
    before: MessageState = state.pending
    after = state.get(MESSAGE, MessageState)
    if after is None:
        return NO_CHANGE
    status = derive_status(after)
    after, outcome = publish_outcome(after, status, now)
    publish = (
        *outcome,
        *build_sightings(before, after, now),
        *build_request_cancel(before, after, now),
        *build_cancel_confirmation(before, after, now),
        *build_consent_events(before, after, now),
        *build_number_facts(before, after, now),
        *build_alerts(before, after, now, settings),
        *build_case_records(before, after, now),
    )
    return StepResult({MESSAGE: after}, publish, {MESSAGE: next_timer(status, now)})


def outcomes_on_timer(
    state: StateStore, name: str, now: datetime, settings: Settings
) -> StepResult:
    message = state.get(MESSAGE, MessageState)
    if message is None:
        return NO_CHANGE
    after = with_receipt_timeout(message, now)
    if after != message:
        return _change(state, message, after)
    if can_be_forgotten(message):
        return StepResult(state={MESSAGE: None})
    return StepResult(timers={MESSAGE: next_timer(derive_status(message), now)})


def is_same_text(message: MessageState, value: Decision | Attempt | DeliveryReceipt) -> bool:
    """Whether the record is about the text of the first decision.  A receipt names neither number
    nor text."""
    if isinstance(value, DeliveryReceipt) or message.decision is None:
        return True
    same_number = message.to is None or value.to is None or is_same_number(value.to, message.to)
    if isinstance(value, Attempt):
        return same_number
    if not message.fingerprint or not value.fingerprint:
        return same_number
    return same_number and value.fingerprint == message.fingerprint


def with_decision(message: MessageState, decision: Decision) -> MessageState:
    summary = summarize_decision(decision)
    if message.decision is not None and _seniority(message.decision) >= _seniority(summary):
        summary = message.decision
    if summary is message.decision and message.to and message.fingerprint:
        return message
    return message.model_copy(
        update={
            "decision": summary,
            "to": message.to or decision.to,
            "fingerprint": message.fingerprint or decision.fingerprint[:64],
        }
    )


def _seniority(decision: DecisionSummary) -> tuple[int, datetime, int]:
    """The highest `seq` holds.  The rest only orders two decisions with one `seq`, which should not
    occur."""
    return decision.seq, decision.decided_at, decision.verdict.strictness


def with_report(message: MessageState, record: InputRecord, now: datetime) -> MessageState:
    """Add an attempt, or a receipt for one."""
    report = build_report(record, now)
    ignored = _why_ignored(record.value, report)
    if ignored is not None:
        every = tuple(sorted({*message.unrecognized, ignored}))[:MAX_UNRECOGNIZED]
        if every == message.unrecognized:
            return message
        return message.model_copy(update={"unrecognized": every})
    number = record.value.attempt
    known = message.attempts.get(number, ())
    reports = add_report(known, report)
    if reports == known:
        return message
    attempts = keep_strongest({**message.attempts, number: reports})
    if attempts == message.attempts:
        return message
    return message.model_copy(update={"attempts": attempts})


def _why_ignored(value: Attempt | DeliveryReceipt, report: Report) -> str | None:
    """We keep these as evidence but never act on them: another account's text, or an unknown
    status."""
    if isinstance(value, DeliveryReceipt) and value.foreign:
        return f"of another account: {report.word}"
    return None if (report.source, report.word) in STRENGTH else report.word
