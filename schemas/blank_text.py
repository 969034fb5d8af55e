"""Which texts show nothing: a phone would show an empty message."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me", "Cs"})
"""Categories of blanks, controls, formats, and of marks that need a letter to stand on."""
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159\ufffc\u2065")
"""Letters and signs that are blank by design: Hangul fillers, Braille without dots, a note without
a head; and where an object was, which was not copied."""
_RESERVED: Final = ((0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
"""Unicode, DerivedCoreProperties: ignorable also where no character is assigned yet."""


def is_blank(text: str | None) -> bool:
    return not text or all(map(_shows_nothing, text))  # stops at the first sign that shows


def _shows_nothing(sign: str) -> bool:
    return (
        unicodedata.category(sign) in _UNSEEN
        or sign in _FILLERS
        or any(first <= ord(sign) <= last for first, last in _RESERVED)
    )
