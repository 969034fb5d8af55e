"""What somebody may have meant by something that is no number: the numbers nearest to it.

A claim that takes consent away must not be lost because a digit is.  So what it may have meant is
blocked until a person has looked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from schemas.numbers import e164
from streams.gate.number_validation import validate_number

READINGS_AT_MOST: Final = 10
GUESSES_AT_MOST: Final = 200
LONGEST: Final = 64

_ABROAD: Final = re.compile(r"(?:00|011|0011|010|810)(?=[1-9])")
"""Prefixes for calls abroad: ITU-T's, North America's, Australia's, Japan's, Russia's."""
_WITH_PLUS: Final = re.compile(r"\+[^+]+")
_NOT_DIGITS: Final = re.compile(r"[^0-9]+", re.ASCII)


class Readings(NamedTuple):
    likely: tuple[str, ...]
    """It says one of these, only not as a number is written."""
    guesses: tuple[str, ...]
    """One digit more or less gives these."""


def find_readings(written: str, regions: Iterable[str]) -> Readings:
    """`regions`: the countries whose national writing is tried, for a text without a country
    code."""
    if len(written) > LONGEST:
        return Readings((), ())
    likely = _take(_likely(written, tuple(regions)), READINGS_AT_MOST)
    if likely:
        return Readings(likely, ())
    return Readings((), _take(_guesses(written), GUESSES_AT_MOST))


def _take(candidates: Iterable[str], at_most: int) -> tuple[str, ...]:
    valid = (one for one in candidates if not validate_number(one).problem)
    return tuple(islice(dict.fromkeys(valid), at_most))


def _likely(written: str, regions: tuple[str, ...]) -> Iterator[str]:
    for part in _WITH_PLUS.findall(written):
        yield e164(part)
        yield e164("+" + _NOT_DIGITS.sub("", part))
    digits = _NOT_DIGITS.sub("", written)
    if "+" not in written:
        yield e164("+" + _ABROAD.sub("", digits))
        yield e164("+" + digits)
    for region in regions:
        try:
            parsed = phonenumbers.parse(written, region)
        except NumberParseException:
            continue
        yield e164(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def _guesses(written: str) -> Iterator[str]:
    digits = _NOT_DIGITS.sub("", written)
    for at in range(len(digits)):
        yield e164(f"+{digits[:at]}{digits[at + 1 :]}")
    for at in range(len(digits), 0, -1):
        for digit in "0123456789":
            yield e164(f"+{digits[:at]}{digit}{digits[at:]}")
