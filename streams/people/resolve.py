"""Which of a person's numbers a text goes to, or why none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from schemas.numbers import e164
from schemas.person import NumberType, Person, PersonNumber
from schemas.person_request import PersonRequest
from streams.reasons import NO_NUMBER, NOT_SMS_ENABLED, Reason

UNKNOWN: Final = Reason(
    "unknown_person", "Nobody is on record under this person id", "add or import the person"
)
NOT_THEIRS: Final = Reason(
    "number_not_theirs", "The number that was named is not this person's", "add it to them"
)
NO_MOBILE: Final = Reason("no_mobile", "The numbers on file are not mobiles", "add a mobile number")
NONE_OF_TYPE: Final = Reason(
    "no_number_of_type", "They have no number of the type that was named", "add one"
)
TYPE_NOT_ALLOWED: Final = Reason(
    "type_not_allowed",
    "A number that is not a mobile was named, and this tenant texts mobiles only",
    "name no number, or add its type to the tenant's number_types",
)

Reasons = tuple[Reason, ...]
"""First one of the reasons that are the same everywhere; after it what is particular here."""


def resolve(
    person: Person | None, request: PersonRequest, types: Collection[NumberType]
) -> str | Reasons:
    """The number, in E.164; the primary one first, then in the order in which they were told.  `types`: what this
    tenant texts besides mobiles, if it is named."""
    if person is None or person.deleted:
        return NO_NUMBER, UNKNOWN
    if not person.numbers:
        return (NO_NUMBER,)
    named = _named(person, request)
    if not named:
        return NO_NUMBER, _none_named(request)
    allowed = [one for one in named if one.type is NumberType.MOBILE or one.type in types]
    if not allowed:
        return NOT_SMS_ENABLED.but(TYPE_NOT_ALLOWED.next_step), TYPE_NOT_ALLOWED
    enabled = [one for one in allowed if one.sms_enabled]
    if not enabled:
        return (NOT_SMS_ENABLED,)
    return max(enabled, key=lambda one: one.primary).number


def _named(person: Person, request: PersonRequest) -> list[PersonNumber]:
    """Of several of the same merit `max` takes the first."""
    if request.to:
        return [one for one in person.numbers if one.number == e164(request.to)]
    wanted = request.number_type or NumberType.MOBILE
    return [one for one in person.numbers if one.type is wanted]


def _none_named(request: PersonRequest) -> Reason:
    if request.to:
        return NOT_THEIRS
    return NONE_OF_TYPE if request.number_type else NO_MOBILE


def textable(
    person: Person | None, request: PersonRequest, types: Collection[NumberType], number: str
) -> bool:
    """Whether a text to this number may still be on its way: it is theirs, switched on, and of a type that goes."""
    only = request.model_copy(update={"to": number, "number_type": None})
    return resolve(person, only, types) == number
