"""Change one person's numbers by hand: add, correct, remove, switch texts on or off."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.numbers import e164, mask_number
from schemas.person import NumberChange, NumberType, Person, PersonAction, PersonEvent, PersonNumber
from schemas.topics import PERSON_EVENTS
from services.ledger import Ledger
from services.ledger.people import find_person
from services.operations.errors import InvalidRequest
from services.operations.session import Session
from services.operations.validation import build_message, new_id, parse_recipient
from streams.people.state import MAX_NUMBERS

SHOWN_WITHIN: Final = 5.0
"""Seconds that a page waits until the ledger has the change."""


def build_person(
    tenant: str, person_id: str, name: str, written: str, by: str, now: datetime
) -> PersonEvent:
    """A new person, with a mobile if `written` is one.  Raises InvalidRequest."""
    number = parse_recipient("number", written) if written.strip() else None
    if not name.strip():
        raise InvalidRequest("The name is empty", "write how the person is called")
    return build_message(
        PersonEvent,
        event_id=new_id("p"),
        tenant=tenant,
        person_id=person_id,
        action=PersonAction.UPDATE,
        name=name.strip(),
        numbers=[NumberChange(number=number, sms_enabled=True, primary=True)] if number else [],
        by=by,
        at=now,
    )


def add_number(
    person: Person, written: str, kind: NumberType, by: str, now: datetime
) -> PersonEvent:
    """Switched on, if it is a mobile.  Raises InvalidRequest."""
    number = parse_recipient("number", written)
    _require_new(person, number)
    if len(person.numbers) >= MAX_NUMBERS:
        raise InvalidRequest(f"A person has {MAX_NUMBERS} numbers at most", "remove one first")
    return _build(person, by, now, numbers=[NumberChange(number=number, type=kind)])


def correct_number(person: Person, old: str, written: str, by: str, now: datetime) -> PersonEvent:
    """The new number takes the place of the old one: its type, its primary mark, switched on.

    Consent stays with the old number.  Raises InvalidRequest."""
    wrong = find_number(person, old)
    number = parse_recipient("number", written)
    _require_new(person, number)
    change = NumberChange(
        number=number, type=wrong.type, sms_enabled=True, primary=wrong.primary or None
    )
    return _build(person, by, now, numbers=[change], remove=[wrong.number])


def remove_number(person: Person, number: str, by: str, now: datetime) -> PersonEvent:
    """Raises InvalidRequest."""
    return _build(person, by, now, remove=[find_number(person, number).number])


def switch_number(person: Person, number: str, on: bool, by: str, now: datetime) -> PersonEvent:
    """Whether this person is texted at this number.  It changes no consent.  Raises
    InvalidRequest."""
    found = find_number(person, number)
    return _build(person, by, now, numbers=[NumberChange(number=found.number, sms_enabled=on)])


def prefer_number(person: Person, number: str, by: str, now: datetime) -> PersonEvent:
    """The one that texts go to first.  Raises InvalidRequest."""
    found = find_number(person, number)
    return _build(person, by, now, numbers=[NumberChange(number=found.number, primary=True)])


def find_number(person: Person, number: str) -> PersonNumber:
    """In any writing.  Raises InvalidRequest."""
    wanted = e164(number)
    for one in person.numbers:
        if e164(one.number) == wanted:
            return one
    raise InvalidRequest(
        f"{person.person_id} does not have the number {mask_number(wanted)}",
        "look at the person again: it may have been changed meanwhile",
    )


async def publish_change(kafka: Session, event: PersonEvent) -> None:
    """Raises OperationError."""
    await kafka.require_tenants(event.tenant)
    await kafka.publish(PERSON_EVENTS, [event])


async def wait_for_change(kafka: Session, ledger: Ledger, event: PersonEvent) -> bool:
    """Whether the ledger has the person as the event wants them, within SHOWN_WITHIN.

    Raises OperationFailed."""

    def find() -> bool | None:
        person = find_person(ledger, event.tenant, event.person_id)
        return True if person is not None and _shows(person, event) else None

    return bool(await kafka.wait_for(ledger, find, SHOWN_WITHIN))


async def wait_for_person(
    kafka: Session, ledger: Ledger, event: PersonEvent, patience: float = SHOWN_WITHIN
) -> bool:
    """Whether the ledger knows somebody of this id.  Raises OperationFailed."""

    def find() -> bool | None:
        return True if find_person(ledger, event.tenant, event.person_id) else None

    return bool(await kafka.wait_for(ledger, find, patience))


def _shows(person: Person, event: PersonEvent) -> bool:
    held = {e164(one.number): one for one in person.numbers}
    if held.keys() & set(map(e164, event.remove)):
        return False
    for change in event.numbers:
        one = held.get(e164(change.number))
        if one is None or change.sms_enabled not in (None, one.sms_enabled):
            return False
        if change.primary not in (None, one.primary):
            return False
    return True


def _require_new(person: Person, number: str) -> None:
    if any(e164(one.number) == number for one in person.numbers):
        raise InvalidRequest("The person has this number already", "nothing is to be done")


def _build(person: Person, by: str, now: datetime, **fields: Any) -> PersonEvent:
    return build_message(
        PersonEvent,
        event_id=new_id("p"),
        tenant=person.tenant,
        person_id=person.person_id,
        action=PersonAction.UPDATE,
        by=by,
        at=now,
        **fields,
    )
