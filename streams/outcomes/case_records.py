"""Tell cases what became of their texts, and threads of texts that belong to a conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.case import CaseAnswer, is_case_text_id
from schemas.numbers import E164, e164
from schemas.thread import ThreadMessage
from schemas.topics import CASE_ANSWERS, THREAD_MESSAGES
from streams.lifecycle import STATE_INFO, State
from streams.outcomes.state import DecisionSummary, MessageState, PublishedOutcome, valid_identity
from streams.processing import Publication

_OF_DECISION: Final = frozenset({State.HELD, State.REJECTED, State.EXPIRED, State.CANCELED})
"""States that a decision may have given."""


def build_case_records(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Only with a new version of the outcome, and of texts with a case or an author; none in test
    mode."""
    decision = after.decision
    new = after.published
    if decision is None or new is None or new is before.published:
        return ()
    if decision.case_id is None and decision.written_by is None:
        return ()
    if decision.test_mode:
        return ()
    return (
        *_build_case_answer(before, after, decision, new, now),
        *_build_thread_message(before, after, decision, new, now),
    )


def _build_case_answer(
    before: MessageState,
    after: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    now: datetime,
) -> tuple[Publication, ...]:
    """Only of what the case has requested, under whatever id people has issued it."""
    request_id = decision.request_id or after.message_id
    case_id = valid_identity(decision.case_id)
    if case_id is None or not is_case_text_id(request_id):
        return ()
    rule = _find_rule(decision, new)
    was = before.published
    if was is not None and before.decision is not None:
        known = was.state, was.error_code, _find_rule(before.decision, was)
        if known == (new.state, new.error_code, rule):
            return ()
    answer = CaseAnswer(
        tenant=after.tenant,
        case_id=case_id,
        request_id=request_id,
        message_id=after.message_id,
        state=new.state,
        error_code=new.error_code,
        rule=rule,
        final=STATE_INFO[State(new.state)].final,
        version=after.version,
        at=now,
    )
    return (Publication(CASE_ANSWERS, answer),)


def _find_rule(decision: DecisionSummary, outcome: PublishedOutcome) -> str | None:
    """None once an attempt has had the last word."""
    return decision.rule if outcome.state in _OF_DECISION else None


def _build_thread_message(
    before: MessageState,
    after: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    now: datetime,
) -> tuple[Publication, ...]:
    """A thread belongs to a number: a text that has none is in no thread yet."""
    case_id = valid_identity(decision.case_id)
    if after.to is None or (case_id is None and decision.written_by is None):
        return ()
    if E164.fullmatch(e164(after.to)) is None:
        return ()
    was = before.published
    known = (was.state, was.error_code) if was and before.to is not None else None
    if known == (new.state, new.error_code):
        return ()
    message = ThreadMessage(
        tenant=after.tenant,
        number=after.to,
        message_id=after.message_id,
        kind=decision.kind,
        case_id=case_id,
        person_id=valid_identity(decision.person_id),
        written_by=decision.written_by,
        sender=new.sender,
        requested_at=decision.requested_at,
        state=new.state,
        error_code=new.error_code,
        final=STATE_INFO[State(new.state)].final,
        version=after.version,
        at=now,
    )
    return (Publication(THREAD_MESSAGES, message),)
