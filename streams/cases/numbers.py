"""Which number a party would be texted at, or the first reason why none.

People choose the number for good when the text is requested; this is what staff and previews see
before.  The rules are those of the people processor."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from schemas.case import Readiness
from schemas.numbers import E164, e164, is_same_number
from schemas.person import NumberType, PersonNumber
from streams.cases.state import PersonEntry


class ChosenNumber(NamedTuple):
    number: str | None
    """In E.164; also one that may not be texted, for a reply may come from it."""
    reason: Readiness | None
    """Why no text can go, as far as the person's record says."""


NONE = ChosenNumber(None, Readiness.NO_NUMBER)


def choose_number(
    person: PersonEntry | None, tied: str | None, types: Collection[NumberType]
) -> ChosenNumber:
    """`tied`: the number that was named for this case.  `types`: what the tenant texts besides
    mobiles, where such a number is named."""
    if person is None or not person.known:
        return NONE
    numbers = [one for one in person.numbers if E164.fullmatch(e164(one.number))]
    if tied:
        found = [one for one in numbers if is_same_number(one.number, tied)]
        allowed = [one for one in found if one.type is NumberType.MOBILE or one.type in types]
    else:
        found = allowed = [one for one in numbers if one.type is NumberType.MOBILE]
    enabled = [one for one in allowed if one.sms_enabled]
    if enabled:
        return ChosenNumber(_first(enabled), None)
    return ChosenNumber(_first(found), Readiness.NOT_SMS_ENABLED) if found else NONE


def _first(numbers: list[PersonNumber]) -> str:
    """The primary one, else the one that we first heard of."""
    return e164(max(numbers, key=lambda one: one.primary).number)
