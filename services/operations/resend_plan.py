"""Plan resends: which texts may be sent once more, and what to publish for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.approval import Approval
from schemas.person import NumberChange, Person, PersonAction, PersonEvent, PersonRequest
from schemas.send_request import SendRequest
from schemas.topics import PERSON_EVENTS, PERSON_REQUESTS, SEND_REQUESTS
from services.ledger import Ledger
from services.ledger.mailbox import MailboxItem
from services.ledger.message_status import find_request, list_resends
from services.ledger.people import find_person
from services.operations.selection import Selection, select_messages
from services.operations.session import Session
from services.operations.validation import build_message, new_id
from streams.lifecycle import State
from streams.mailboxes import Box

LONGEST: Final = 128
"""Characters of a message id."""

TOO_EARLY: Final[Mapping[State, str]] = {
    State.HELD: "it waits still: see why with explain, or have it judged again with send-now",
    State.QUEUED: "it waits for its turn at the sender, and goes by itself",
    State.SENDING: "it is being sent",
    State.DEFERRED: "it is tried again by itself",
    State.IN_DOUBT: "it may have gone out, and nothing is sent twice:"
    " it waits for the provider's word",
    State.ACCEPTED: "the provider has it and has not said what became of it",
    State.SENT: "the carrier has it and has not said what became of it",
}
"""States in which another text might be a second one."""


class Resend(NamedTuple):
    """What to publish.  `event` corrects the person's record, and is published first."""

    event: PersonEvent | None
    request: SendRequest | PersonRequest


class NoResend(NamedTuple):
    """One sentence: why it may not be resent, and what to do."""

    why: str


class SendNow(NamedTuple):
    """What "send now" does with a message.

    The gate evaluates it again, or it is resent; else `why_not` says why neither is possible."""

    item: MailboxItem
    approval: Approval | None = None
    resend: Resend | None = None
    why_not: str = ""


def plan_resend(
    ledger: Ledger, item: MailboxItem, number: str | None, by: str, now: datetime
) -> Resend | NoResend:
    """Decide whether a message may be sent once more, and build what to publish for it.

    `number`, in E.164, replaces the number that it went to, also on the person's record."""
    if item.state in TOO_EARLY:
        return NoResend(f"{item.message_id} is {item.state}: {TOO_EARLY[item.state]}")
    if before := list_resends(ledger, item.tenant, item.message_id):
        return NoResend(
            f"{item.message_id} was resent as {before[-1]}: if that one failed too, resend that one"
        )
    request = find_request(ledger, item.tenant, item.message_id)
    if request is None:
        return NoResend(
            f"The text of {item.message_id} is not on record (any more):"
            " ask for a new one with send"
        )
    if request.valid_until is not None and request.valid_until <= now:
        return NoResend(
            f"{item.message_id} was of use until {request.valid_until:%Y-%m-%d %H:%M} UTC:"
            " ask for a new one"
        )
    person = find_person(ledger, item.tenant, request.person_id) if request.person_id else None
    return _build_resend(request, person, item, number, by, now)


def _build_resend(
    request: SendRequest | PersonRequest,
    person: Person | None,
    item: MailboxItem,
    number: str | None,
    by: str,
    now: datetime,
) -> Resend:
    """To the person, where their record decides the number; else to the requested number."""
    common = SendRequest.model_fields.keys() & PersonRequest.model_fields.keys() - {"to"}
    is_later = request.not_before is not None and request.not_before > now
    shared: dict[str, Any] = {name: getattr(request, name) for name in common} | {
        "message_id": resend_id(item.tenant, item.message_id, number),
        "resend_of": item.message_id,
        "requested_at": now,
        "requested_by": by,
        "not_before": request.not_before if is_later else None,
        "undo_seconds": None,
    }
    if person is not None and number:
        event = correct_record(person, item.number, number, shared["message_id"], now)
        return Resend(event, PersonRequest.model_validate({**shared, "to": number}))
    if isinstance(request, PersonRequest) or request.resolved is not None:
        return Resend(None, PersonRequest.model_validate({**shared, "to": number}))
    return Resend(None, SendRequest.model_validate({**shared, "to": number or request.to}))


def resend_id(tenant: str, message_id: str, number: str | None) -> str:
    """Derived from the text and the number: two people who resend it at once send it once."""
    digest = hashlib.sha256(f"{tenant}/{message_id}/{number or ''}".encode()).hexdigest()[:12]
    ending = f":again-{digest}"
    return message_id[: LONGEST - len(ending)] + ending


def correct_record(
    person: Person, old: str | None, number: str, cause: str, now: datetime
) -> PersonEvent:
    """Replace the old number on the record; the new one takes its type and primary mark."""
    wrong = next((one for one in person.numbers if one.number == old and old != number), None)
    change = NumberChange(number=number, sms_enabled=True)
    if wrong is not None:
        change = change.model_copy(update={"type": wrong.type, "primary": wrong.primary})
    return PersonEvent(
        event_id=f"corrected-{hashlib.sha256(f'{cause}/{number}'.encode()).hexdigest()[:32]}",
        tenant=person.tenant,
        person_id=person.person_id,
        action=PersonAction.UPDATE,
        numbers=(change,),
        remove=(wrong.number,) if wrong else (),
        at=now,
    )


async def publish_resends(kafka: Session, resends: Sequence[Resend]) -> None:
    """Correct the records first, then publish the requests.  Raises OperationError."""
    events = [one.event for one in resends if one.event is not None]
    requests = [one.request for one in resends]
    if events:
        await kafka.publish(PERSON_EVENTS, events)
    if to_people := [one for one in requests if isinstance(one, PersonRequest)]:
        await kafka.publish(PERSON_REQUESTS, to_people)
    if to_numbers := [one for one in requests if isinstance(one, SendRequest)]:
        await kafka.publish(SEND_REQUESTS, to_numbers)


def plan_send_now(ledger: Ledger, selection: Selection, by: str, now: datetime) -> list[SendNow]:
    """Plan for all named messages, or for those that match and that can be helped.

    These are in the outbox, or failed in the sentbox.

    Raises OperationError."""
    items = select_messages(ledger, selection, (Box.SENTBOX, Box.OUTBOX), now)
    batch = new_id("now")
    if not selection.ids:
        items = [item for item in items if item.box is Box.OUTBOX or item.attention]
    plans = [plan_item(ledger, item, f"{batch}-{n}", by, now) for n, item in enumerate(items, 1)]
    return plans if selection.ids else [plan for plan in plans if not plan.why_not]


def plan_item(
    ledger: Ledger, item: MailboxItem, approval_id: str, by: str, now: datetime
) -> SendNow:
    """What "send now" would do with this message.  `approval_id` is for a new evaluation."""
    if item.state in (State.DELIVERED, State.READ):
        return SendNow(
            item, why_not=f"{item.message_id} has arrived: to send it a second time, say resend"
        )
    if item.state is not State.HELD:
        found = plan_resend(ledger, item, None, by, now)
        if isinstance(found, NoResend):
            return SendNow(item, why_not=found.why)
        return SendNow(item, resend=found)
    if not item.number:
        return SendNow(
            item, why_not="It waits for a number: add one to the person, and it goes by itself"
        )
    approval = build_message(
        Approval,
        approval_id=approval_id,
        tenant=item.tenant,
        number=item.number,
        message_id=item.message_id,
        action="send_now",
        by=by,
        at=now,
    )
    return SendNow(item, approval=approval)
