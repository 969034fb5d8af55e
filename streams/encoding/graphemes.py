"""What people take for one character, and what Twilio's calculator keeps in one segment.

The referee is npm's sms-segments-calculator 1.3.0, which splits by grapheme-splitter 1.0.4: UAX #29
of Unicode 10, but CR LF is two.  Its ways are kept where they differ from the standard's, for they
are what texts are billed by: a flag takes one mark and no more, a skin tone stands behind one mark
at most.  Later Unicode changes none of this; so a new version of a library cannot change a count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final

EXTEND, ZWJ, SPACING, PREPEND, FLAG = (
    "Extend",
    "ZWJ",
    "SpacingMark",
    "Prepend",
    "Regional_Indicator",
)
BASE, PERSON, GLUED, TONE = "E_Base", "E_Base_GAZ", "Glue_After_Zwj", "E_Modifier"

ALONE: Final = frozenset({"CR", "LF", "Control"})
"""Nothing joins them, on either side."""
JOINS_WHAT_IS_BEFORE: Final = frozenset({EXTEND, ZWJ, SPACING})
JOINED: Final = frozenset(
    {
        *product(("L",), ("L", "V", "LV", "LVT")),
        *product(("LV", "V"), ("V", "T")),
        *product(("LVT", "T"), ("T",)),
        *product((ZWJ,), (GLUED, PERSON)),
    }
)
"""(Class, class of the next) that are not parted: Hangul's letters, and emoji behind a joiner."""

_HANGUL: Final = range(0xAC00, 0xD7A4)
"""Syllables; each 28th has no final consonant."""


def graphemes(text: str) -> Iterator[str]:
    """The text in order, cut where it may be."""
    begin, kinds = 0, [""]
    for place, char in enumerate(text):
        kind = _class_of(char)
        if place and _parts(kinds, kind):
            yield text[begin:place]
            begin, kinds = place, [kind]
        elif place:
            kinds.append(kind)
        else:
            kinds = [kind]
    if text:
        yield text[begin:]


def _parts(kinds: list[str], after: str) -> bool:
    """Whether a grapheme, by the classes of its code points, ends before one of class `after`."""
    last = kinds[-1]
    if last in ALONE or after in ALONE:
        return True
    if len(kinds) > 1 and kinds[1] == FLAG and last not in (FLAG, PREPEND):
        return True
    if after in JOINS_WHAT_IS_BEFORE or last == PREPEND or (last, after) in JOINED:
        return False
    if after == TONE:
        return _toned(kinds) not in (BASE, PERSON)
    return not (kinds == [FLAG] and after == FLAG)


def _toned(kinds: list[str]) -> str:
    """The class of what a skin tone would colour."""
    if EXTEND not in kinds:
        return kinds[-1]
    return kinds[-2] if kinds[-1] == EXTEND and len(kinds) > 1 else ""


def _class_of(char: str) -> str:
    code = ord(char)
    if code in _HANGUL:
        return "LVT" if (code - _HANGUL.start) % 28 else "LV"
    return _classes().get(code, "")


@cache
def _classes() -> dict[int, str]:
    """By code point; what is not in it is of no class."""
    return {code: kind for first, last, kind in _ranges() for code in range(first, last + 1)}


def _ranges() -> Iterator[tuple[int, int, str]]:
    lines = files(__package__).joinpath("grapheme_classes.tsv").read_text("utf-8").splitlines()
    for first, last, kind in (line.split("\t") for line in lines[1:]):
        yield int(first, 16), int(last, 16), kind


def _one_each() -> re.Pattern[str]:
    joining = [
        (first, last) for first, last, kind in _ranges() if kind not in ALONE and last <= 0xFFFF
    ]
    taken = [*joining, (_HANGUL.start, _HANGUL.stop - 1), (0x10000, 0x10FFFF)]
    return re.compile("[^" + "".join(f"{chr(first)}-{chr(last)}" for first, last in taken) + "]*")


ONE_EACH: Final = _one_each()
"""Matches text in which every character is a grapheme of one UTF-16 unit: most of what people
write."""
