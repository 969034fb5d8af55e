"""A person after an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas.numbers import e164
from schemas.person import NumberType, Person, PersonNumber
from schemas.person_event import NumberChange, PersonAction, PersonEvent

FIELDS: Final = ("name", "role", "time_zone", "postal_region", "email")


def person_after(before: Person | None, event: PersonEvent) -> Person:
    known = before if before and not before.deleted else None
    if event.action is PersonAction.DELETE:
        return Person(tenant=event.tenant, person_id=event.person_id, deleted=True, at=event.at)
    whole = event.action is PersonAction.UPSERT
    given = {field: said for field in FIELDS if (said := getattr(event, field)) is not None}
    kept = {} if known is None or whole else {field: getattr(known, field) for field in FIELDS}
    told: dict[str, Any] = {field: said or None for field, said in {**kept, **given}.items()}
    numbers = _numbers(
        {number.number: number for number in known.numbers} if known else {}, event, whole
    )
    return Person(
        tenant=event.tenant,
        person_id=event.person_id,
        **{**told, "name": told.get("name") or ""},
        numbers=numbers,
        at=event.at,
    )


def same(before: Person | None, after: Person) -> bool:
    """Whether nothing but the time differs."""
    return before is not None and before.model_copy(update={"at": after.at}) == after


def _numbers(
    known: Mapping[str, PersonNumber], event: PersonEvent, whole: bool
) -> tuple[PersonNumber, ...]:
    """In the order in which they were first told.  There is one primary number: the last that was said to be it."""
    gone = {e164(number) for number in event.remove}
    after = {} if whole else {number: one for number, one in known.items() if number not in gone}
    for change in event.numbers:
        number = e164(change.number)
        if number and number not in gone:
            after[number] = _changed(after.get(number) or known.get(number), number, change)
    primary = _primary((e164(change.number) for change in event.numbers if change.primary), after)
    if primary is None:
        return tuple(after.values())
    return tuple(
        one.model_copy(update={"primary": one.number == primary}) for one in after.values()
    )


def _primary(said: Iterable[str], after: Mapping[str, PersonNumber]) -> str | None:
    return next((number for number in reversed([*said]) if number in after), None)


def _changed(before: PersonNumber | None, number: str, change: NumberChange) -> PersonNumber:
    kind = change.type or (before.type if before else NumberType.MOBILE)
    enabled = (
        change.sms_enabled
        if change.sms_enabled is not None
        else before.sms_enabled
        if before
        else None
    )
    primary = change.primary if change.primary is not None else bool(before and before.primary)
    return PersonNumber(
        number=number,
        type=kind,
        sms_enabled=kind is NumberType.MOBILE if enabled is None else enabled,
        primary=primary,
    )
