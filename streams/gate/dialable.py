"""Whether a number can be texted at all, as far as its digits tell.

Google's metadata (PyPI `phonenumbers`) knows ranges, not subscribers: in North America every number is "fixed line or
mobile", so a landline passes here and is learned from the carrier's answers instead (number facts).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

CHECKED_BY: Final[str] = phonenumbers.__version__
"""A verdict kept in a row holds as long as the metadata it came from."""

NEVER_TEXTED: Final[dict[int, str]] = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.VOICEMAIL: "voicemail",
}

PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "no_plus": (
        "The number has no country code",
        "write it as + and country code, such as +14155550100",
    ),
    "unreadable": (
        "This is not a phone number",
        "correct it: + and country code, then digits only",
    ),
    "impossible": ("No such number is in use in its country", "correct the number"),
    "premium": ("The number is a premium rate line, which can't be texted", "add a mobile number"),
    "toll_free": ("The number is toll-free, which can't be texted", "add a mobile number"),
    "shared_cost": (
        "The number is a shared cost line, which can't be texted",
        "add a mobile number",
    ),
    "pager": ("The number is a pager, which can't be texted", "add a mobile number"),
    "voicemail": ("The number is a voice mailbox, which can't be texted", "add a mobile number"),
}
"""What is wrong, and what to do about it."""


class Dialable(NamedTuple):
    """`region` is the ISO 3166 country; `problem` a key of PROBLEMS, or "" for none."""

    region: str = ""
    problem: str = ""


_NORTH_AMERICAN: Final = re.compile(r"\+1[2-9][0-9]{9}")


@lru_cache(maxsize=1 << 14)
def dialable(number: str) -> Dialable:
    if not number.startswith("+"):
        return Dialable(problem="no_plus")
    parsed = _parse(number)
    if parsed is None:
        return Dialable(problem="unreadable")
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        return Dialable(problem="impossible")
    return Dialable(region, NEVER_TEXTED.get(phonenumbers.number_type(parsed), ""))


def _parse(number: str) -> PhoneNumber | None:
    """None unless it is written in E.164.  Of a number of North America there is nothing to find out: it takes half of
    the time of a number that is new here."""
    if _NORTH_AMERICAN.fullmatch(number):
        return PhoneNumber(country_code=1, national_number=int(number[2:]))
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return None
    return parsed if phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == number else None
