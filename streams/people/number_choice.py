"""Choose which of a person's numbers a text goes to, or say why none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from schemas.numbers import is_same_number
from schemas.person import NumberType, Person, PersonRequest
from streams.person_numbers import find_candidates, first_number
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
"""First one of the reasons that every processor gives alike; after it what is particular to people.
"""


def choose_number(
    person: Person | None, request: PersonRequest, types: Collection[NumberType]
) -> str | Reasons:
    """The number in E.164: the primary one, else the one we first heard of.

    `types`: what this tenant texts besides mobiles, if the request names it."""
    if person is None or person.deleted:
        return NO_NUMBER, UNKNOWN
    if not person.numbers:
        return (NO_NUMBER,)
    wanted = request.number_type or NumberType.MOBILE
    found = find_candidates(person.numbers, request.to, wanted, types)
    if not found.meant:
        return NO_NUMBER, _why_none_named(request)
    if not found.allowed:
        return NOT_SMS_ENABLED.with_next_step(TYPE_NOT_ALLOWED.next_step), TYPE_NOT_ALLOWED
    if not found.enabled:
        return (NOT_SMS_ENABLED,)
    return first_number(found.enabled)


def _why_none_named(request: PersonRequest) -> Reason:
    if request.to:
        return NOT_THEIRS
    return NONE_OF_TYPE if request.number_type else NO_MOBILE


def can_still_receive(
    person: Person | None, request: PersonRequest, types: Collection[NumberType], number: str
) -> bool:
    """Whether a text may still go to this number: it is theirs, switched on, and of an allowed
    type."""
    only = request.model_copy(update={"to": number, "number_type": None})
    return is_number(choose_number(person, only, types), number)


def is_number(choice: str | Reasons, number: str) -> bool:
    """Whether this number was chosen, in whatever writing an older version kept it."""
    return isinstance(choice, str) and is_same_number(choice, number)
