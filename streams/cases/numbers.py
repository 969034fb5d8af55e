"""Which number a party would be texted at, or the first reason why none.

People choose the number for good when the text is requested; this is what staff and previews see
before.  Both choose by `streams.person_numbers`."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from schemas.case import Readiness
from schemas.numbers import E164, e164
from schemas.person import NumberType
from streams.cases.state import PersonEntry
from streams.person_numbers import find_candidates, first_number


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
    found = find_candidates(numbers, tied, NumberType.MOBILE, types)
    if found.enabled:
        return ChosenNumber(first_number(found.enabled), None)
    if found.meant:
        return ChosenNumber(first_number(found.meant), Readiness.NOT_SMS_ENABLED)
    return NONE
