"""Derive a message's state from all that is known of it, and from nothing else.

The decision's state holds until an attempt has more to say.  Once the provider has the text, or may
have it, no decision takes it back.  The clock adds one report of its own: after 72 hours without a
final receipt (AWS does the same) the state is `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.attempt import AttemptState
from schemas.base import Evidence
from schemas.decision import Verdict
from schemas.topics import ATTEMPTS, DELIVERY_RECEIPTS
from streams.error_codes import lookup
from streams.lifecycle import (
    ACCEPTED_STRENGTH,
    ATTEMPT,
    CLOCK,
    DECISION,
    RECEIPT,
    STATE_INFO,
    STRENGTH,
    TABLE,
    State,
)
from streams.outcomes.reports import (
    Rank,
    add_report,
    count_billed,
    find_error_code,
    list_contradictions,
    rank,
    select_matching,
)
from streams.outcomes.state import DecisionSummary, MessageState, PublishedOutcome, Report

SILENCE: Final = timedelta(hours=72)
"""How long we wait for a final receipt, from when the provider had the text."""
REMEMBER: Final = timedelta(days=35)
"""How long we remember a message after its last record, once it is final or if no decision came.  A
receipt that is later still is kept for as long again, and nothing is made of it."""

_AWAITS_RECEIPT: Final = frozenset({State.ACCEPTED, State.SENT})
_TOPICS: Final = {ATTEMPT: ATTEMPTS.name, RECEIPT: DELIVERY_RECEIPTS.name}


class Status(NamedTuple):
    state: State
    top: Rank | None
    """The attempt that decides; None where the decision does."""
    reports: tuple[Report, ...]
    """Those of the attempt that matters most."""
    attempts: Mapping[int, tuple[Report, ...]]
    """Of each attempt the reports about this text."""


def derive_status(message: MessageState) -> Status | None:
    """None before any decision."""
    decision = message.decision
    if decision is None:
        return None
    ordered = TABLE[DECISION, decision.verdict].state
    attempts = {
        number: select_matching(reports, message.to) for number, reports in message.attempts.items()
    }
    top = max([rank(number, reports) for number, reports in attempts.items()], default=None)
    if top is None or top.weight == 0:
        return Status(ordered, None, (), attempts)
    reports = attempts[top.number]
    if _was_reordered(decision, top, reports):
        return Status(ordered, None, reports, attempts)
    if decision.verdict is Verdict.SEND or top.is_beyond_recall:
        return Status(top.state, top, reports, attempts)
    return Status(ordered, None, reports, attempts)


def _was_reordered(decision: DecisionSummary, top: Rank, reports: tuple[Report, ...]) -> bool:
    """Dispatch returned it to the gate, and the gate has ordered it again since: it is queued.

    The attempt's number does not show that: dispatch counts from 0 again once it has forgotten the
    message."""
    if decision.verdict is not Verdict.SEND or decision.seq == 1 or top.state is not State.HELD:
        return False
    return all(
        report.at < decision.decided_at for report in reports if report.word == AttemptState.EXPIRED
    )


def build_outcome(decision: DecisionSummary, status: Status) -> PublishedOutcome:
    state, top, reports, attempts = status
    code = None if top is None else find_error_code(top, reports)
    sender = min([report.sender for report in reports if report.sender], default=decision.sender)
    billed = count_billed(attempts, decision.segments)
    next_step = decision.next_step if top is None else None
    return PublishedOutcome(
        state=state,
        error_code=code,
        segments=decision.segments if billed is None else billed,
        segments_predicted=decision.segments,
        segments_billed=billed,
        contradictions=() if top is None else list_contradictions(top, reports),
        sender=sender,
        next_step=lookup(code).next_step if code else next_step,
    )


def receipt_timeout_at(status: Status) -> datetime | None:
    """When the state becomes `unknown`, unless a receipt comes before."""
    state, top, reports, _ = status
    if top is None or state not in _AWAITS_RECEIPT:
        return None
    return min(r.at for r in reports if STRENGTH[r.source, r.word] >= ACCEPTED_STRENGTH) + SILENCE


def next_timer(status: Status | None, now: datetime) -> datetime:
    """When only forgetting is due, the full hour will do.  Changes within one hour then keep one
    timer, not five."""
    timeout = receipt_timeout_at(status) if status is not None else None
    if timeout is not None:
        return timeout
    hour = (now + REMEMBER).replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=1)


def with_receipt_timeout(message: MessageState, now: datetime) -> MessageState:
    """Add the clock's own report, if it is due."""
    status = derive_status(message)
    at = receipt_timeout_at(status) if status is not None else None
    if status is None or status.top is None or at is None or now < at:
        return message
    number = status.top.number
    timeout = Report(source=CLOCK, word="72 h", at=at)
    reports = add_report(message.attempts[number], timeout)
    return message.model_copy(update={"attempts": {**message.attempts, number: reports}})


def can_be_forgotten(message: MessageState) -> bool:
    status = derive_status(message)
    return status is None or STATE_INFO[status.state].final or status.state is State.UNKNOWN


def deciding_report(message: MessageState) -> Report | None:
    """The strongest report with the published code; without a code, the strongest of all."""
    status = derive_status(message)
    if status is None or message.published is None:
        return None
    code = message.published.error_code
    found = (one for one in status.reports if one.source in _TOPICS and code in (None, one.code))
    return max(found, key=lambda one: STRENGTH[one.source, one.word], default=None)


def build_evidence(message: MessageState) -> Evidence:
    """The record that decided.

    `origin` repeats its place in one word: a processor that passes the evidence on may put its own
    record there."""
    report = deciding_report(message)
    published = message.published
    text = " ".join(filter(None, (published.state, published.error_code))) if published else None
    if report is None or report.offset is None:
        return Evidence(text=text)
    topic = _TOPICS[report.source]
    origin = f"{topic}@{report.partition}:{report.offset}"
    return Evidence(
        topic=topic, partition=report.partition, offset=report.offset, origin=origin, text=text
    )
