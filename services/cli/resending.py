"""A text once more: which may be, and what to publish for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streams.lifecycle import State

if TYPE_CHECKING:
    from schemas.person import Person
    from schemas.person_event import PersonEvent
    from schemas.person_request import PersonRequest
    from schemas.send_request import SendRequest
    from services.ledger import Ledger
    from services.ledger.boxes import Item

LONGEST: Final = 128
"""Characters of a message id."""


class Again(NamedTuple):
    """`event` corrects the person's record, and goes first."""

    event: PersonEvent | None
    request: SendRequest | PersonRequest


class Cannot(NamedTuple):
    """One sentence: why not, and what to do."""

    why: str


TOO_EARLY: Final[Mapping[State, str]] = {
    State.HELD: "it waits still: see why with explain, or have it judged again with send-now",
    State.QUEUED: "it waits for its turn at the sender, and goes by itself",
    State.SENDING: "it is being sent",
    State.DEFERRED: "it is tried again by itself",
    State.IN_DOUBT: "it may have gone out, and nothing is sent twice: it waits for the provider's word",
    State.ACCEPTED: "the provider has it and has not said what became of it",
    State.SENT: "the carrier has it and has not said what became of it",
}
"""States in which another text might be a second one."""


def again(ledger: Ledger, item: Item, number: str | None, by: str, now: datetime) -> Again | Cannot:
    """`number`, in E.164, corrects the one that it went to; where the person is on record, there."""
    from services.ledger.asked import asked, on_record, resends

    if item.state in TOO_EARLY:
        return Cannot(f"{item.message_id} is {item.state}: {TOO_EARLY[item.state]}")
    if before := resends(ledger, item.tenant, item.message_id):
        return Cannot(
            f"{item.message_id} was resent as {before[-1]}: if that one failed too, resend that one"
        )
    known = asked(ledger, item.tenant, item.message_id)
    if known is None:
        return Cannot(
            f"The text of {item.message_id} is not on record (any more): ask for a new one with send"
        )
    if known.valid_until is not None and known.valid_until <= now:
        return Cannot(
            f"{item.message_id} was of use until {known.valid_until:%Y-%m-%d %H:%M} UTC: ask for a new one"
        )
    person = on_record(ledger, item.tenant, known.person_id) if known.person_id else None
    return _made(known, person, item, number, by, now)


def _made(
    known: SendRequest | PersonRequest,
    person: Person | None,
    item: Item,
    number: str | None,
    by: str,
    now: datetime,
) -> Again:
    """To the person, where their record decides on the number; else to the number that was asked for."""
    from schemas.person_request import PersonRequest
    from schemas.send_request import SendRequest

    common = SendRequest.model_fields.keys() & PersonRequest.model_fields.keys() - {"to"}
    shared: dict[str, Any] = {name: getattr(known, name) for name in common} | {
        "message_id": resent_id(item.tenant, item.message_id, number),
        "resend_of": item.message_id,
        "requested_at": now,
        "requested_by": by,
        "not_before": known.not_before if known.not_before and known.not_before > now else None,
    }
    people = isinstance(known, PersonRequest) or known.resolved is not None
    if person is not None and number:
        event = corrected(person, item.number, number, shared["message_id"], now)
        return Again(event, PersonRequest.model_validate({**shared, "to": number}))
    if people:
        return Again(None, PersonRequest.model_validate({**shared, "to": number}))
    assert isinstance(known, SendRequest)
    return Again(None, SendRequest.model_validate({**shared, "to": number or known.to}))


def resent_id(tenant: str, message_id: str, number: str | None) -> str:
    """The same for whoever resends this text to this number, so that two who do it at once send it once."""
    digest = hashlib.sha256(f"{tenant}/{message_id}/{number or ''}".encode()).hexdigest()[:12]
    ending = f":again-{digest}"
    return message_id[: LONGEST - len(ending)] + ending


def corrected(
    person: Person, old: str | None, number: str, cause: str, now: datetime
) -> PersonEvent:
    """In their record the new number takes the place of the old one: its type, and whether it is the primary one."""
    from schemas.person_event import NumberChange, PersonAction, PersonEvent

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


def publish_again(wanted: Sequence[Again], bootstrap: str | None, state: Path) -> None:
    """Records are corrected first.  Raises Refused."""
    from schemas.person_request import PersonRequest
    from schemas.topics import PERSON_EVENTS, PERSON_REQUESTS, SEND_REQUESTS
    from services.cli.kafka import bootstrap_of, publish

    events = [one.event for one in wanted if one.event is not None]
    people = [one.request for one in wanted if isinstance(one.request, PersonRequest)]
    others = [one.request for one in wanted if not isinstance(one.request, PersonRequest)]
    for topic, messages in (
        (PERSON_EVENTS, events),
        (PERSON_REQUESTS, people),
        (SEND_REQUESTS, others),
    ):
        if messages:
            publish(bootstrap_of(bootstrap, state), topic, messages)
