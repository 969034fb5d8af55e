"""What follows from a verdict: an order, a place to wait, or an end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.contact import Contact
from schemas.decision import Verdict
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.system_kind import SystemKind
from schemas.topics import CONTACTS, DISPATCH_ORDERS
from streams.dedup import REMEMBER
from streams.gate.caps import counted
from streams.gate.case import Case
from streams.gate.claims import Claim
from streams.gate.decide import Ruling
from streams.gate.identity import sha256_of
from streams.gate.kinds import LANES, WITHOUT_OPT_IN
from streams.gate.limits import ASK_LIFE, ORDER_LIFE
from streams.gate.state import HeldRow, MessageRow, NumberRow
from streams.gate.window import closes
from streams.hold_limits import hold_deadline
from streams.processing import Publication


class Pending(NamedTuple):
    """A request to judge.  `place` is where the fact stands that makes us judge it (again); `held` how it waited."""

    request: SendRequest
    message: MessageRow
    place: Evidence
    held: HeldRow | None = None
    claim: Claim | None = None
    """Who asked for it, if Sayso starts it at somebody's word."""


class Issued(NamedTuple):
    """Rows, publications and wakes of one outcome, and the number's row after it."""

    number: NumberRow
    held: HeldRow | None
    message: MessageRow
    publish: tuple[Publication, ...]
    held_until: datetime | None = None
    forget: datetime | None = None


def sent(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    request, message = case.request, pending.message
    order = Send(
        message_id=request.message_id,
        tenant=request.tenant,
        to=case.number,
        sender=case.sender,
        body=request.body,
        kind=request.kind,
        case_id=request.case_id,
        lane=(WITHOUT_OPT_IN if case.own else LANES)[request.kind],
        segments=size,
        consent_epoch=case.standing.epoch,
        not_before=request.not_before,
        send_before=_send_before(case),
        issued_at=case.now,
        attempt=message.next_attempt,
    )
    out = MessageRow(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        verdict=Verdict.SEND,
        received=message.received,
        own=message.own,
        approved=message.approved,
        issued_at=case.now,
        sender=case.sender,
        request=request.model_copy(update={"body": ""}),
        next_attempt=message.next_attempt,
        asked_sha256=_asked(case, pending),
    )
    publish = (Publication(DISPATCH_ORDERS, order), *_contact(case))
    return Issued(counted(_texted(case), case), None, out, publish, forget=case.now + REMEMBER)


def _asked(case: Case, pending: Pending) -> str:
    """It comes back in the characters in which it goes out; staff see, and approve, those that were asked for."""
    known, body = pending.message.asked_sha256, pending.request.body
    return known or ("" if case.request.body == body else sha256_of(body))


def _send_before(case: Case) -> datetime:
    """A verdict does not outlive its hour."""
    end, asked, hour = (
        case.now + (ASK_LIFE if case.own else ORDER_LIFE),
        case.request.valid_until,
        closes(case),
    )
    end = end if asked is None else min(end, asked)
    return end if hour is None else min(end, hour)


def _contact(case: Case) -> tuple[Publication, ...]:
    """The inbox must know whose reply it may be before the text is out.

    Of a shared sender every order is told: what is no keyword is for the tenant that texted last, and a repeat is
    without effect only if no other has texted since.  A number's family here is one tenant's and cannot know."""
    asked = case.own and case.request.kind == SystemKind.CONSENT_ASK
    known = case.sender in case.standing.senders and not case.senders[case.sender].shared_by
    if known and not asked:
        return ()
    contact = Contact(
        sender=case.sender, number=case.number, tenant=case.request.tenant, asked=asked, at=case.now
    )
    return (Publication(CONTACTS, contact),)


def _texted(case: Case) -> NumberRow:
    row, sender = case.standing, case.sender
    if sender == row.sender:
        return row
    senders = row.senders if sender in row.senders else (*row.senders, sender)
    return row.model_copy(update={"senders": senders, "sender": sender})


def holds(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    message, before = pending.message, pending.held
    waiting = MessageRow(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        received=message.received,
        own=message.own,
        approved=message.approved,
        next_attempt=message.next_attempt,
        asked_sha256=message.asked_sha256,
    )
    place = before.place if before else pending.place
    held = HeldRow(request=pending.request, place=place, rules=rules_of(ruling), until=ruling.until)
    return Issued(case.standing, held, waiting, (), held_until=due(case, ruling))


def due(case: Case, ruling: Ruling) -> datetime:
    """When the clock alone changes it: a hold is over, or it has waited for too long."""
    end = hold_deadline(case.received, case.request.not_before, case.request.valid_until)
    return end if ruling.until is None else min(end, ruling.until)


def rules_of(ruling: Ruling) -> tuple[str, ...]:
    return tuple(found.rule for found in ruling.findings)


def ended(case: Case, ruling: Ruling, pending: Pending, size: int) -> Issued:
    message = pending.message
    over = MessageRow(
        fingerprint=message.fingerprint,
        seq=message.seq + 1,
        verdict=ruling.verdict,
        received=message.received,
        own=message.own,
        because=next(
            (found.rule for found in ruling.findings if found.verdict is ruling.verdict), ""
        ),
    )
    return Issued(case.standing, None, over, (), forget=case.now + REMEMBER)


FOLLOWS: Final[dict[Verdict, Callable[[Case, Ruling, Pending, int], Issued]]] = {
    Verdict.SEND: sent,
    Verdict.HOLD: holds,
}
"""What a verdict leads to; any other is an end."""
