"""Phone numbers: how they are written in keys (E.164), and how they are hidden in logs and on
screens."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A whole number in E.164: plus, country code, digits."""

_CLEAN: Final = re.compile(r"\+[0-9]{6,15}")
_SIGNS: Final = (
    r"[\s().\-/\u00a0\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
"""Blanks, brackets and dashes, and the invisible marks that come along when a number is copied
from an address book."""
_BETWEEN_DIGITS: Final = re.compile(f"{_SIGNS}+")

_WITH_PLUS: Final = rf"(?:[+\uff0b]|%2[Bb]){_SIGNS}*\d(?:{_SIGNS}*\d){{5,14}}(?!\d)"
_DIGITS_ALONE: Final = r"(?<!\w)(?<!\d@)(?<!@\d:)(?<!@\d\d:)(?<!@\d\d\d:)\d{9,15}\b"
"""Not inside an identifier, and not an offset as in `topic/3@1234567890` or
`topic@3:1234567890`."""
_AMERICAN: Final = r"\(?(?<!\w)\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}\b"
_IN_TEXT: Final = re.compile(f"{_WITH_PLUS}|{_DIGITS_ALONE}|{_AMERICAN}")


@lru_cache(maxsize=1 << 12)
def e164(written: str) -> str:
    """`+1 (415) 555-0100` → `+14155550100`.

    Only signs are removed. Without a plus we can't know the country, so such a number stays as
    it is, and the gate rejects it with a reason.
    """
    return written if _CLEAN.fullmatch(written) else _BETWEEN_DIGITS.sub("", written)


def mask_number(number: str) -> str:
    """`+14155550100` → `+141••••0100`: enough to recognise, too little to call. A shorter one
    shows its first sign."""
    if len(number) < 12:
        return number[:1] + "•" * (len(number) - 1)
    return number[:4] + "•" * (len(number) - 8) + number[-4:]


def mask_text(text: str) -> str:
    """Mask every phone number in a text: after a plus with any signs between the digits, without
    one from nine digits on, or as Americans write it."""
    return _IN_TEXT.sub(lambda found: mask_number(e164(found[0])), text)
