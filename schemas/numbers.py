"""How a phone number is written in keys: E.164, without the blanks and signs people put between digits."""

from __future__ import annotations

import re
from functools import lru_cache

_CLEAN = re.compile(r"\+[0-9]{6,15}")
_SIGNS = re.compile(
    r"[\s().\-/\u00a0\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
)
"""Blanks, brackets and dashes, and the invisible marks that come along when a number is copied from an address book."""


@lru_cache(maxsize=1 << 12)
def e164(written: str) -> str:
    """`+1 (415) 555-0100` → `+14155550100`.  Only signs are taken out: without a plus the country is anybody's
    guess, so such a number stays as it is and the gate refuses it in words."""
    return written if _CLEAN.fullmatch(written) else _SIGNS.sub("", written)


def masked(number: str) -> str:
    """`+14155550100` → `+141••••0100`: enough to recognise, too little to call.  For logs and screens.
    A shorter one shows its first sign only."""
    if len(number) < 12:
        return number[:1] + "•" * (len(number) - 1)
    return number[:4] + "•" * (len(number) - 8) + number[-4:]
