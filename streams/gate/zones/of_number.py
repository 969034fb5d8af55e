"""Where a number is from, as far as its digits tell.

Numbers move with their owners, so this is the last resort.  Metadata answers for an area code with one zone out of
several; our table has them all.  Elsewhere than in North America it has them all itself: a mobile number of a wide
country may be anywhere in it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers.timezone import time_zones_for_number

from streams.gate.zones.named import known
from streams.gate.zones.tables import ALL_OF_US, AREAS, Place, Zones

NOWHERE: Final = Place(ALL_OF_US, "", "")
"""Toll-free, personal and other numbers that belong to no place."""


def from_number(number: str) -> Place:
    """`number` is in E.164."""
    return AREAS.get(number[2:5], NOWHERE) if number.startswith("+1") else _abroad(number)


@lru_cache(maxsize=1 << 14)
def _abroad(number: str) -> Place:
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return NOWHERE
    zones: Zones = tuple(sorted(filter(known, time_zones_for_number(parsed))))
    return Place(zones, phonenumbers.region_code_for_number(parsed) or "", "") if zones else NOWHERE
