"""Publish what has changed about a message: the outcome, and what other processors must know.

Each function compares the message before and after a batch, and publishes a thing only when it is
new.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from schemas.attempt import AttemptCode, AttemptState
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.controls import Sighting
from schemas.decision import Verdict
from schemas.outcome import Outcome, Was
from schemas.person import NumberFact, PersonAnswer
from schemas.send_request import CancelRequest, CancelSource, SystemKind
from schemas.topics import (
    CONSENT_EVENTS,
    DISPATCH_CONTROLS,
    NUMBER_FACTS,
    OUTCOMES,
    PERSON_ANSWERS,
    REQUEST_CANCELS,
)
from streams.error_codes import Effect, lookup
from streams.lifecycle import ARRIVED_STATES, ATTEMPT, RECEIPT, STATE_INFO, State
from streams.outcomes.message_state import Status, build_evidence, build_outcome, deciding_report
from streams.outcomes.reports import select_matching
from streams.outcomes.state import DecisionSummary, MessageState, PublishedOutcome, Report
from streams.processing import Publication

_OPEN: Final = frozenset({AttemptState.IN_DOUBT, AttemptState.DEFERRED})
_CLEAR: Final = frozenset({AttemptState.ACCEPTED, AttemptState.REFUSED})
_NO_CALL: Final = frozenset({AttemptState.QUEUED, AttemptState.CANCELED, AttemptState.EXPIRED})

NOT_REACHED: Final = frozenset({State.REFUSED, State.FAILED, State.UNDELIVERED, State.CANCELED})
"""States in which an opt-in request has reached nobody."""

NUMBER_FIELDS: Final = {
    Effect.LANDLINE: "landline",
    Effect.SUPPRESS: "suppressed",
    Effect.DOUBTFUL: "unreachable_at",
}
"""The field of a number fact for what a code tells of the number.  One `unreachable_at` proves
nothing: the gate counts the days."""

_REVERSIBLE: Final = frozenset({Effect.LANDLINE, Effect.SUPPRESS})
"""What a handset disproves by confirming a text after all."""


def publish_outcome(
    message: MessageState, status: Status | None, now: datetime
) -> tuple[MessageState, tuple[Publication, ...]]:
    """The next version of the outcome, if it says anything new."""
    if message.decision is None or status is None:
        return message, ()
    new = build_outcome(message.decision, status)
    if new == message.published:
        return message, ()
    after = message.model_copy(update={"published": new, "version": message.version + 1})
    outcome = _outcome(after, message.decision, new, message.published, now)
    return after, (Publication(OUTCOMES, outcome),)


def _outcome(
    message: MessageState,
    decision: DecisionSummary,
    new: PublishedOutcome,
    before: PublishedOutcome | None,
    now: datetime,
) -> Outcome:
    state = State(new.state)
    code = new.error_code
    return Outcome(
        message_id=message.message_id,
        tenant=message.tenant,
        branch=decision.branch,
        kind=decision.kind,
        person_id=decision.person_id,
        case_id=decision.case_id,
        event_id=decision.event_id,
        sender=new.sender,
        to=message.to,
        requested_at=decision.requested_at,
        state=state,
        error_code=code,
        error_title=lookup(code).title if code else None,
        next_step=new.next_step,
        segments=new.segments,
        segments_predicted=new.segments_predicted,
        segments_billed=new.segments_billed,
        contradictions=new.contradictions,
        final=STATE_INFO[state].final,
        test_mode=decision.test_mode,
        version=message.version,
        was=_was(before) if before else None,
        at=now,
    )


def _was(before: PublishedOutcome) -> Was:
    return Was(
        state=before.state,
        error_code=before.error_code,
        segments=before.segments,
        segments_predicted=before.segments_predicted,
        segments_billed=before.segments_billed,
    )


def build_sightings(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Tell dispatch, once, that an attempt it holds in doubt did get through: there is a receipt
    for it.

    The attempt and its receipt come in any order; the second of them makes the pair.  Each sender
    that has the text is told, because the text may have been ordered again from another one."""
    found = [
        (number, pair)
        for number in after.attempts
        if (pair := _find_pair(after, number)) and not _find_pair(before, number)
    ]
    return tuple(
        Publication(DISPATCH_CONTROLS, _sighting(after, number, sender, receipt, now))
        for number, (opened, receipt) in found
        for sender in _senders(after, opened)
    )


def build_request_cancel(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Cancel the request at the gate, once, where dispatch has returned a text that went out after
    all.

    A Sighting reaches the senders that had the text so far.  The gate may hold it, and order it
    later from a sender that knows nothing of it."""
    if after.to is None or not _is_returned_and_seen(after) or _is_returned_and_seen(before):
        return ()
    cancel = CancelRequest(
        tenant=after.tenant,
        number=after.to,
        message_id=after.message_id,
        reason="nothing: the provider reports that an earlier try went out",
        by=CancelSource.OUTCOMES,
        at=now,
    )
    return (Publication(REQUEST_CANCELS, cancel),)


def _is_returned_and_seen(message: MessageState) -> bool:
    """The return and the receipt come in any order; the second of them makes it true."""
    returned = [
        number
        for number, reports in message.attempts.items()
        if any(report.word == AttemptState.EXPIRED for report in reports)
    ]
    return bool(returned) and any(
        number <= max(returned) and _find_pair(message, number) for number in message.attempts
    )


def _senders(message: MessageState, opened: Report) -> tuple[str, ...]:
    """The attempt's own sender first."""
    every = {
        report.sender
        for reports in message.attempts.values()
        for report in reports
        if report.source == ATTEMPT
    }
    return (opened.sender or "", *sorted(sender for sender in every - {opened.sender} if sender))


def _find_pair(message: MessageState, number: int) -> tuple[Report, Report] | None:
    """The report that left the attempt open, and the receipt that closes it."""
    every = message.attempts.get(number, ())
    if not [report for report in every if report.word in _OPEN]:
        return None
    reports = select_matching(every, message.to)
    ours = {report.word: report for report in reports if report.source == ATTEMPT}
    opened = ours.get(AttemptState.IN_DOUBT) or ours.get(AttemptState.DEFERRED)
    receipt = next((report for report in reports if report.source == RECEIPT), None)
    if opened is None or receipt is None or ours.keys() & _CLEAR:
        return None
    return opened, receipt


def _sighting(
    message: MessageState, number: int, sender: str, receipt: Report, now: datetime
) -> Sighting:
    return Sighting(
        sender=sender,
        tenant=message.tenant,
        message_id=message.message_id,
        attempt=number,
        provider_id=receipt.provider_id or "",
        status=receipt.word,
        at=now,
    )


def build_cancel_confirmation(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Tell people, once, that dispatch canceled an order before any call: the text may go to
    another number."""
    decision = after.decision
    if decision is None or decision.request_id is None or decision.person_id is None:
        return ()
    if not _is_canceled_uncalled(after):
        return ()
    if before.decision is not None and _is_canceled_uncalled(before):
        return ()
    answer = PersonAnswer(
        tenant=after.tenant,
        person_id=decision.person_id,
        request_id=decision.request_id,
        message_id=after.message_id,
        verdict=Verdict.CANCEL,
        by=CancelSource.PEOPLE,
        at=now,
    )
    return (Publication(PERSON_ANSWERS, answer),)


def _is_canceled_uncalled(message: MessageState) -> bool:
    """Never true of what was tried: a provider that has refused a text may yet turn out to have
    sent it."""
    reports = [report for attempt in message.attempts.values() for report in attempt]
    canceled = any(
        report.word == AttemptState.CANCELED and report.code == AttemptCode.CANCELED
        for report in reports
    )
    return canceled and all(
        report.source == ATTEMPT and report.word in _NO_CALL for report in reports
    )


def build_consent_events(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Tell the gate that the carrier has this number on its STOP list, or that an opt-in request
    reached nobody."""
    was = before.published
    new = after.published
    if new is None or new == was or after.to is None:
        return ()
    events = []
    opted_out = Effect.OPTED_OUT
    if _effect_of(new) is opted_out and _effect_of(was) is not opted_out and new.sender:
        events.append(_consent_event(after, ConsentAction.OPT_OUT, new, now))
    is_request = after.decision is not None and after.decision.kind == SystemKind.CONSENT_ASK
    if is_request and new.state in NOT_REACHED and (was is None or was.state not in NOT_REACHED):
        events.append(_consent_event(after, ConsentAction.ASK_FAILED, new, now))
    return tuple(Publication(CONSENT_EVENTS, event) for event in events)


def _consent_event(
    message: MessageState, action: ConsentAction, new: PublishedOutcome, now: datetime
) -> ConsentEvent:
    """Its id is a hash of what it says: published again after a crash, it is the same event."""
    name = f"{action}/{message.tenant}/{message.message_id}/{new.error_code}"
    return ConsentEvent(
        event_id=f"outcome-{hashlib.sha256(name.encode()).hexdigest()[:32]}",
        tenant=message.tenant,
        number=message.to or "",
        sender=new.sender,
        message_id=message.message_id,
        action=action,
        source=ConsentSource.CARRIER,
        at=now,
        evidence=build_evidence(message),
    )


def build_number_facts(
    before: MessageState, after: MessageState, now: datetime
) -> tuple[Publication, ...]:
    """Tell the gate that no text can reach this number, or that none did on that day.  The code
    table says which."""
    new = after.published
    if new is None or new == before.published or after.to is None:
        return ()
    changes = _number_changes(_effect_of(before.published), new, after, now)
    if not changes:
        return ()
    fact = NumberFact(
        tenant=after.tenant,
        number=after.to,
        message_id=after.message_id,
        error_code=new.error_code,
        evidence=build_evidence(after),
        at=now,
        **changes,
    )
    return (Publication(NUMBER_FACTS, fact),)


def _number_changes(
    was: Effect, new: PublishedOutcome, after: MessageState, now: datetime
) -> dict[str, Any]:
    if was in _REVERSIBLE and new.state in ARRIVED_STATES:
        return {NUMBER_FIELDS[was]: False}
    effect = _effect_of(new)
    if effect is was or effect not in NUMBER_FIELDS:
        return {}
    report = deciding_report(after)
    at = report.at if report else now
    return {NUMBER_FIELDS[effect]: at if effect is Effect.DOUBTFUL else True}


def _effect_of(outcome: PublishedOutcome | None) -> Effect:
    code = outcome.error_code if outcome else None
    return lookup(code).effect if code else Effect.NONE
