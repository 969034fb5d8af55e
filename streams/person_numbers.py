"""Which of a person's numbers may be meant, which of these may be texted, and which comes first.

People chooses the number of a text by it, and cases what staff and previews see before."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from schemas.numbers import e164, is_same_number
from schemas.person import NumberType, PersonNumber


class Candidates(NamedTuple):
    """Each is a part of the one before."""

    meant: list[PersonNumber]
    allowed: list[PersonNumber]
    """Of a type that the tenant texts."""
    enabled: list[PersonNumber]


def find_candidates(
    numbers: Iterable[PersonNumber],
    named: str | None,
    wanted: NumberType,
    types: Collection[NumberType],
) -> Candidates:
    """`named`: one of their numbers; without it, any of the type that is `wanted`.  `types`: what
    the tenant texts besides mobiles."""
    if named:
        meant = [one for one in numbers if is_same_number(one.number, named)]
    else:
        meant = [one for one in numbers if one.type is wanted]
    allowed = [one for one in meant if one.type is NumberType.MOBILE or one.type in types]
    return Candidates(meant, allowed, [one for one in allowed if one.sms_enabled])


def first_number(numbers: Iterable[PersonNumber]) -> str:
    """In E.164: the primary one, else the one that we first heard of."""
    return e164(max(numbers, key=lambda one: one.primary).number)  # the first of equals
