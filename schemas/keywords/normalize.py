"""Bring a text to plain words, so that two ways of writing one thing compare as equal.

These make no difference: case, accents, full-width and decorated letters (NFKD), letters of other
scripts that look Latin (`confusables.tsv`), apostrophes, and what cannot be seen.  Anything else
that is neither a letter nor a digit separates words.  What may end a sentence stays as a lone dot,
what may separate its parts as a lone comma.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

import regex

MAX_CHARACTERS: Final = 2_000
"""Without the blanks around the text.  No phone sends more than 1,600 (Twilio's limit)."""

_COMMAS: Final = frozenset(",-–—()/")
_DOTS: Final = frozenset(".!?;:\n\r\u2028\u2029")
_INVISIBLE: Final = regex.compile(r"[\p{Mn}\p{Me}\p{Cf}]+")
_GAP: Final = regex.compile(r"[^\p{L}\p{N}]+")
_APOSTROPHES: Final = "'`´‘’‛ʼʹ′＇"
_PICTURES: Final = "™℠ℹⓂ㊗㊙🅰🅱🅾🅿"
"""Emoji that NFKD would turn into letters or that count as such."""


def normalize(text: str) -> str:
    """`"  Ｓtоp!! I said "no".  "` → `stop . i said no`"""
    text = text.strip()[:MAX_CHARACTERS]
    text = text.replace("'", "").replace("`", "") if text.isascii() else _latin(text)
    separated: str = _GAP.sub(_gap, text.casefold())
    return separated.strip(" .,")


def _latin(text: str) -> str:
    table = _look_alikes()
    visible: str = _INVISIBLE.sub(
        "", unicodedata.normalize("NFKD", text.translate(table)).translate(table)
    )
    return visible[:MAX_CHARACTERS]


def _gap(gap: regex.Match[str]) -> str:
    if not _DOTS.isdisjoint(gap[0]):
        return " . "
    return " " if _COMMAS.isdisjoint(gap[0]) else " , "


def strip_marks(text: str) -> str:
    """A normalized text without its dots and commas: `opt-out!` → `opt out`"""
    return text.replace(" .", "").replace(" ,", "")


@cache
def _look_alikes() -> dict[int, str]:
    """By code point."""
    text = files("schemas.keywords").joinpath("confusables.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t")[:2] for line in text.splitlines()[1:])
    table = {ord(foreign): latin for foreign, latin in rows}
    return (
        table | dict.fromkeys(map(ord, _APOSTROPHES), "") | dict.fromkeys(map(ord, _PICTURES), " ")
    )
