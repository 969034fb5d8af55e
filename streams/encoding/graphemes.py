"""Graphemes: what people take for one character, and what Twilio's calculator keeps in one segment.

The reference is npm's sms-segments-calculator 1.3.0, which splits by grapheme-splitter 1.0.4: UAX
#29 of Unicode 10, but CR LF counts as two.  Where it differs from the standard we follow the
calculator, for texts are billed by it: a flag takes one mark and no more, and a skin tone stands
behind one mark at most.  The table is ours and fixed, so that a new version of a library cannot
change a count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

from schemas.tsv import read_rows

EXTEND = "Extend"
ZWJ = "ZWJ"
SPACING = "SpacingMark"
PREPEND = "Prepend"
FLAG = "Regional_Indicator"
BASE = "E_Base"
PERSON = "E_Base_GAZ"
GLUED = "Glue_After_Zwj"
TONE = "E_Modifier"

ALONE: Final = frozenset({"CR", "LF", "Control"})
"""Nothing joins these, on either side."""
JOINS_BEFORE: Final = frozenset({EXTEND, ZWJ, SPACING})
PAIRS: Final = frozenset(
    {
        *product(("L",), ("L", "V", "LV", "LVT")),
        *product(("LV", "V"), ("V", "T")),
        *product(("LVT", "T"), ("T",)),
        *product((ZWJ,), (GLUED, PERSON)),
    }
)
"""(Class, class of the next) that stay together: letters of Hangul, and emoji behind a joiner."""

_HANGUL: Final = range(0xAC00, 0xD7A4)
"""Syllables; each 28th has no final consonant."""


def graphemes(text: str) -> Iterator[str]:
    """The text in order, cut where it may be cut."""
    begin = 0
    kinds: list[str] = []
    for index, char in enumerate(text):
        kind = _class_of(char)
        if kinds and _breaks_before(kinds, kind):
            yield text[begin:index]
            begin = index
            kinds = []
        kinds.append(kind)
    if text:
        yield text[begin:]


def _breaks_before(kinds: list[str], after: str) -> bool:
    """Whether a grapheme of code points of these classes ends before one of class `after`."""
    last = kinds[-1]
    if last in ALONE or after in ALONE:
        return True
    if len(kinds) > 1 and kinds[1] == FLAG and last not in (FLAG, PREPEND):
        return True
    if after in JOINS_BEFORE or last == PREPEND or (last, after) in PAIRS:
        return False
    if after == TONE:
        return _tone_base(kinds) not in (BASE, PERSON)
    return not (kinds == [FLAG] and after == FLAG)


def _tone_base(kinds: list[str]) -> str:
    """The class of the code point that a skin tone would apply to."""
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
    """By code point; the others have no class."""
    return {code: kind for first, last, kind in _ranges() for code in range(first, last + 1)}


def _ranges() -> Iterator[tuple[int, int, str]]:
    for first, last, kind in read_rows("streams.encoding", "grapheme_classes.tsv"):
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
