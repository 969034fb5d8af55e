"""Revocation in other words: "please stop texting me", "take me off your list".

A pattern is data (`patterns.tsv`): an id, its locale, the words of which a text must have one to be looked at, and a
regular expression over folded words.  What patterns share is in `parts.tsv`, misspellings are in `spellings.tsv`.

A pattern matches in time proportional to the text: it may repeat a bounded number of times only, which a test holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS

_DRAWN_OUT: Final = re.compile(r"([a-z])\1{2,}")
"""`stoooop`: no English word has a letter thrice."""


class Pattern(NamedTuple):
    """`needs`: one of these words, spelled right, is in every text that it matches."""

    id: str
    locale: str
    needs: frozenset[str]
    regex: re.Pattern[str]
    example: str


class RevocationMatch(NamedTuple):
    pattern: str
    words: str


def find_revocation(text: str, locales: tuple[str, ...] = (ALWAYS,)) -> RevocationMatch | None:
    """By the first pattern that matches.  `text` is folded.  A comma may part two sentences ("wrong number, stop
    texting me") or nothing ("please, stop texting me"): both readings are tried."""
    spelled = normalize_spelling(text)
    said = set(spelled.split())
    readings = [f". {reading} ." for reading in dict.fromkeys((spelled.replace(" ,", ""), spelled))]
    for pattern in patterns_of(locales):
        if pattern.needs.isdisjoint(said):
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
    """In the file's order."""
    parts: dict[str, str] = {}
    for name, expression, _ in _rows("parts.tsv"):
        parts[f"<{name}>"] = f"(?:{_with(parts, expression)})"
    return tuple(
        Pattern(id, locale, frozenset(needs.split()), _compiled(_with(parts, expression)), example)
        for id, locale, needs, expression, example in _rows("patterns.tsv")
    )


def _compiled(expression: str) -> re.Pattern[str]:
    """From the beginning of a word, or of a sentence's dot, to the end of one."""
    return re.compile(rf"(?<!\S)(?:{expression})(?!\S)")


def _with(parts: dict[str, str], expression: str) -> str:
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
