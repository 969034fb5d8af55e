"""Revocation in other words: "please stop texting me", "take me off your list".

Patterns are data.  `patterns.tsv` has an id, a locale, words of which the text must have one, and a
regular expression over normalized words.  `parts.tsv` has what patterns share, and `spellings.tsv`
has misspellings.

A pattern repeats a bounded number of times only, so that it matches in time proportional to the
text; a test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS

_DRAWN_OUT: Final = re.compile(r"([a-z])\1{2,}")
"""`stoooop`: no English word has three equal letters in a row."""


class Pattern(NamedTuple):
    id: str
    locale: str
    needs: frozenset[str]
    """One of these words, spelled right, is in every text that the pattern matches."""
    regex: re.Pattern[str]
    example: str


class RevocationMatch(NamedTuple):
    pattern: str
    words: str


def find_revocation(text: str, locales: tuple[str, ...] = (ALWAYS,)) -> RevocationMatch | None:
    """The first pattern that matches the normalized `text`.

    A comma may part two sentences ("wrong number, stop texting me") or not ("please, stop texting
    me"): both readings are tried."""
    spelled = normalize_spelling(text)
    words = set(spelled.split())
    readings = [f". {reading} ." for reading in dict.fromkeys((spelled.replace(" ,", ""), spelled))]
    for pattern in patterns_of(locales):
        if pattern.needs.isdisjoint(words):
            continue
        for reading in readings:
            if match := pattern.regex.search(reading):
                return RevocationMatch(pattern.id, match[0].strip(" .,"))
    return None


def normalize_spelling(text: str) -> str:
    """`plz stp stoooop txtin me` → `please stop texting me`"""
    spellings = _spellings()
    words = [spellings.get(word, word) for word in _DRAWN_OUT.sub(r"\1", text).split()]
    return " ".join(
        word for word, before in zip(words, ("", *words), strict=False) if word != before
    )


@lru_cache(maxsize=64)
def patterns_of(locales: tuple[str, ...]) -> tuple[Pattern, ...]:
    wanted = {ALWAYS, *locales}
    return tuple(pattern for pattern in all_patterns() if pattern.locale in wanted)


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """In the order of the file."""
    parts: dict[str, str] = {}
    for name, expression, _ in _rows("parts.tsv"):
        parts[f"<{name}>"] = f"(?:{_expand(parts, expression)})"
    return tuple(
        Pattern(
            name, locale, frozenset(needs.split()), _compile(_expand(parts, expression)), example
        )
        for name, locale, needs, expression, example in _rows("patterns.tsv")
    )


def _compile(expression: str) -> re.Pattern[str]:
    """Matches whole words only; a full stop counts as a word."""
    return re.compile(rf"(?<!\S)(?:{expression})(?!\S)")


def _expand(parts: dict[str, str], expression: str) -> str:
    return re.sub(r"<[A-Z_]+>", lambda name: parts[name[0]], expression)


@cache
def _spellings() -> dict[str, str]:
    return {
        variant: word for word, variants in _rows("spellings.tsv") for variant in variants.split()
    }


def _rows(name: str) -> Iterator[list[str]]:
    lines: Iterable[str] = (
        files("streams.inbound_keywords")
        .joinpath(name)
        .read_text(encoding="utf-8")
        .splitlines()[1:]
    )
    return (line.split("\t") for line in lines)
