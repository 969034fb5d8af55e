"""Whether a number can be texted at all, as far as its digits tell: whether it fits the patterns of
its country, and not only whether there is such a country.

Google's metadata (PyPI `phonenumbers`) knows ranges, not subscribers.  In North America every
number is "fixed line or mobile": a landline passes here, and we learn of it from the carrier's
error codes (number facts).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

METADATA_VERSION: Final = f"{phonenumbers.__version__} patterns"
"""A kept result holds as long as the metadata that it came from, and what we ask of it."""

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
"""By problem: the reason, and the next step."""


class NumberValidation(NamedTuple):
    region: str = ""
    """ISO 3166 country."""
    problem: str = ""
    """A key of PROBLEMS; empty: none."""


_NORTH_AMERICAN: Final = re.compile(r"\+1[2-9][0-9]{9}")


@lru_cache(maxsize=1 << 14)
def validate_number(number: str) -> NumberValidation:
    if not number.startswith("+"):
        return NumberValidation(problem="no_plus")
    parsed = _parse(number)
    if parsed is None:
        return NumberValidation(problem="unreadable")
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        return NumberValidation(problem="impossible")
    kind = phonenumbers.number_type(parsed)
    if kind == PhoneNumberType.UNKNOWN:  # it fits no pattern there
        return NumberValidation(problem="impossible")
    return NumberValidation(region, NEVER_TEXTED.get(kind, ""))


def _parse(number: str) -> PhoneNumber | None:
    """Parse E.164 and nothing else.

    North American numbers skip the library's parser, which takes half of the time of a new
    number."""
    if _NORTH_AMERICAN.fullmatch(number):
        return PhoneNumber(country_code=1, national_number=int(number[2:]))
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return None
    return parsed if phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == number else None
