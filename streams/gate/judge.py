"""One request against the rules, and what follows from the verdict: an order, a place to wait, or an end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.contact import Contact
from schemas.decision import Decision, Verdict
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.topics import CONTACTS, DECISIONS, DISPATCH_ORDERS
from streams.gate.case import Case, case_of
from streams.gate.decide import Ruling, decide
from streams.gate.kinds import LANES
from streams.gate.limits import BODY_AT_MOST, HOLD_LIMIT, ORDER_LIFE, later
from streams.gate.rows import HeldRow, MessageRow, NumberRow, held_row, message_row
from streams.gate.rules.held_too_long import waits_since
from streams.seen import REMEMBER
from streams.segments import segments
from streams.step import Publication, Settings, Step

NO_SETTINGS: Final = "none"
"""The policy version of a decision about a tenant that has no settings."""


class Pending(NamedTuple):
    """A request to judge.  `place` is where the fact stands that makes us judge it (again); `held` how it waited."""

    request: SendRequest
    message: MessageRow
    place: Evidence
    held: HeldRow | None = None


class Judged(NamedTuple):
    """`number` is the number's row after it; `step` says the rest."""

    number: NumberRow
    step: Step


class Issued(NamedTuple):
    """Rows, publications and wakes of one outcome, and the number's row after it."""

    number: NumberRow
    held: HeldRow | None
    message: MessageRow
    publish: tuple[Publication, ...]
    held_until: datetime | None = None
    forget: datetime | None = None


def fingerprint(request: SendRequest) -> str:
    """Tells a repeat from another text under the same id."""
    return hashlib.sha256(f"{request.number}\0{request.body}".encode()).hexdigest()[:16]


def judge(pending: Pending, number: NumberRow, now: datetime, settings: Settings) -> Judged:
    case = case_of(pending.request, number, pending.message.received, now, settings)
    ruling = decide(case)
    if _waits_as_before(ruling, pending.held):
        return Judged(case.standing, Step(wake={held_row(pending.request.message_id): _due(case, ruling)}))
    size = segments(case.request.body) if len(case.request.body) <= BODY_AT_MOST else 0
    issued = _FOLLOWS.get(ruling.verdict, _ended)(case, ruling, pending, size)
    decision = Publication(DECISIONS, _decision(case, ruling, pending, size, settings))
    return Judged(issued.number, _step(pending, issued, decision))


def _waits_as_before(ruling: Ruling, held: HeldRow | None) -> bool:
    same = held is not None and (held.rules, held.until) == (_rules(ruling), ruling.until)
    return same and ruling.verdict is Verdict.HOLD


def _rules(ruling: Ruling) -> tuple[str, ...]:
    return tuple(found.rule for found in ruling.findings)


def _step(pending: Pending, issued: Issued, decision: Publication) -> Step:
    identity = pending.request.message_id
    message, held = message_row(identity), held_row(identity)
    if issued.held is None and pending.held is None:
        return Step({message: issued.message}, (decision, *issued.publish), {message: issued.forget})
    rows = {message: issued.message, held: issued.held}
    return Step(rows, (decision, *issued.publish), {message: issued.forget, held: issued.held_until})


def _decision(case: Case, ruling: Ruling, pending: Pending, size: int, settings: Settings) -> Decision:
    request = case.request
    return Decision(
        message_id=request.message_id,
        tenant=request.tenant,
        branch=request.branch,
        to=case.number,
        sender=case.sender or None,
        kind=request.kind,
        segments=size,
        person_id=request.person_id,
        case_id=request.case_id,
        event_id=request.event_id,
        resend_of=request.resend_of,
        requested_at=request.requested_at,
        requested_by=request.requested_by,
        verdict=ruling.verdict,
        findings=ruling.findings,
        until=ruling.until,
        decided_at=case.now,
        policy_version=settings.versions.get(request.tenant, NO_SETTINGS),
        consent_epoch=case.standing.epoch,
        evidence=pending.place,
        seq=pending.message.seq + 1,
        fingerprint=pending.message.fingerprint,
    )


def _sent(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    request, message = case.request, pending.message
    order = Send(
        message_id=request.message_id,
        tenant=request.tenant,
        to=case.number,
        sender=case.sender,
        body=request.body,
        kind=request.kind,
        lane=LANES[request.kind],
        segments=size,
        consent_epoch=case.standing.epoch,
        not_before=request.not_before,
        send_before=_send_before(request, case.now),
        issued_at=case.now,
    )
    out = MessageRow(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        verdict=Verdict.SEND,
        received=message.received,
        issued_at=case.now,
        request=request.model_copy(update={"body": ""}),
    )
    publish = (Publication(DISPATCH_ORDERS, order), *_contact(case))
    return Issued(_texted(case), None, out, publish, forget=case.now + REMEMBER)


def _send_before(request: SendRequest, now: datetime) -> datetime:
    end = now + ORDER_LIFE
    return end if request.valid_until is None else min(end, request.valid_until)


def _contact(case: Case) -> tuple[Publication, ...]:
    """The inbox must know whose reply it may be before the text is out."""
    if case.sender in case.standing.senders and not case.senders[case.sender].shared_by:
        return ()
    contact = Contact(sender=case.sender, number=case.number, tenant=case.request.tenant, at=case.now)
    return (Publication(CONTACTS, contact),)


def _texted(case: Case) -> NumberRow:
    row, sender = case.standing, case.sender
    if sender == row.sender:
        return row
    senders = row.senders if sender in row.senders else (*row.senders, sender)
    return row.model_copy(update={"senders": senders, "sender": sender})


def _holds(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    message, before = pending.message, pending.held
    waiting = MessageRow(fingerprint=message.fingerprint, seq=message.seq + 1, received=message.received)
    place = before.place if before else pending.place
    held = HeldRow(request=case.request, place=place, rules=_rules(ruling), until=ruling.until)
    return Issued(case.standing, held, waiting, (), held_until=_due(case, ruling))


def _due(case: Case, ruling: Ruling) -> datetime:
    """When the clock alone changes it: a hold is over, or it has waited for too long."""
    ends = (ruling.until, case.request.valid_until, later(waits_since(case.request, case.received), HOLD_LIMIT))
    return min(end for end in ends if end is not None)


def _ended(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    message = pending.message
    over = MessageRow(
        fingerprint=message.fingerprint, seq=message.seq + 1, verdict=ruling.verdict, received=message.received
    )
    return Issued(case.standing, None, over, (), forget=case.now + REMEMBER)


_FOLLOWS: Final[dict[Verdict, Callable[[Case, Ruling, Pending, int], Issued]]] = {
    Verdict.SEND: _sent,
    Verdict.HOLD: _holds,
}
"""What a verdict leads to; any other is an end."""
