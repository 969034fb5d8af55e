"""How a text is brought to plain words, so that two ways of writing one thing compare as equal.

Case, accents, full-width and decorated letters (NFKD), letters of other scripts that look Latin (`confusables.tsv`),
apostrophes and what cannot be seen make no difference.  Everything else that is neither a letter nor a digit parts
words; what may end a sentence stays as a lone dot, what may part one as a lone comma.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

import regex

READ_AT_MOST: Final = 2_000
"""Characters, blanks around them aside.  No phone sends more than 1,600 (Twilio's limit)."""

_PARTS: Final = frozenset(",-–—()/")
_ENDS: Final = frozenset(".!?;:\n\r\u2028\u2029")
_UNSEEN: Final = regex.compile(r"[\p{Mn}\p{Me}\p{Cf}]+")
_GAP: Final = regex.compile(r"[^\p{L}\p{N}]+")
_APOSTROPHES: Final = "'`´‘’‛ʼʹ′＇"
_PICTURES: Final = "™℠ℹⓂ㊗㊙🅰🅱🅾🅿"
"""Emoji that NFKD would turn into letters or that count as such."""


def folded(text: str) -> str:
    """`"  Ｓtоp!! I said "no".  "` → `stop . i said no`"""
    text = text.strip()[:READ_AT_MOST]
    text = text.replace("'", "").replace("`", "") if text.isascii() else _latin(text)
    parted: str = _GAP.sub(_gap, text.casefold())
    return parted.strip(" .,")


def _latin(text: str) -> str:
    table = _look_alikes()
    seen: str = _UNSEEN.sub(
        "", unicodedata.normalize("NFKD", text.translate(table)).translate(table)
    )
    return seen[:READ_AT_MOST]


def _gap(gap: regex.Match[str]) -> str:
    if not _ENDS.isdisjoint(gap[0]):
        return " . "
    return " " if _PARTS.isdisjoint(gap[0]) else " , "


def bare(text: str) -> str:
    """Folded text without its dots and commas: `opt-out!` → `opt out`"""
    return text.replace(" .", "").replace(" ,", "")


@cache
def _look_alikes() -> dict[int, str]:
    """By code point; read when first needed."""
    lines = (
        files("schemas.keywords")
        .joinpath("confusables.tsv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    table = {ord(foreign): latin for foreign, latin in (line.split("\t")[:2] for line in lines[1:])}
    return (
        table | dict.fromkeys(map(ord, _APOSTROPHES), "") | dict.fromkeys(map(ord, _PICTURES), " ")
    )
