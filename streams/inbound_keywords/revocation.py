"""Revocation in other words: "please stop texting me", "take me off your list".

Every language's patterns count for every tenant, because people write in their own language.
`spellings.tsv` has English misspellings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS, TONAL, Meaning
from schemas.tsv import read_rows
from streams.inbound_keywords.patterns import BY_SUBSTRING, all_patterns
from streams.inbound_keywords.slips import correct_word

DRAWN_OUT: Final = re.compile(r"([^\W\d_])\1{2,}")
"""`stoooop`: no word has three equal letters in a row."""
_JOINED_TEXT: Final = re.compile(
    r"[\u0600-\u06ff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
"""Arabic, Thai, Japanese, Chinese, Korean."""


class RevocationMatch(NamedTuple):
    meaning: Meaning
    pattern: str
    words: str


class _Index(NamedTuple):
    by_word: Mapping[str, tuple[int, ...]]
    """Which patterns a word may start, by their place in `all_patterns`."""
    by_substring: tuple[tuple[str, int], ...]


def find_revocation(text: str, marked: str = "") -> RevocationMatch | None:
    """The first pattern that matches the normalized `text`; `marked` is the same text with its
    Latin marks, if it has any.

    A comma may part two sentences ("wrong number, stop texting me") or not ("please, stop texting
    me"): both readings are tried."""
    spelled = normalize_spelling(text)
    marked = marked or text
    patterns = all_patterns()
    readings = {
        "": _readings(text),
        ALWAYS: _readings(spelled),
        **{locale: _readings(marked) for locale in TONAL},
    }
    for number in sorted(_candidates({*text.split(), *spelled.split(), *marked.split()}, text)):
        pattern = patterns[number]
        for reading in readings.get(pattern.locale, readings[""]):
            if match := pattern.regex.search(reading):
                return RevocationMatch(pattern.meaning, pattern.id, match[0].strip(" .,"))
    return None


def _readings(text: str) -> list[str]:
    readings = [text.replace(" ,", ""), text] if "," in text else [text]
    if text.count(" .") > 1 and text.count(" ") <= 2 * text.count(" .") + 1:
        readings.append(text.replace(" .", ""))  # Leave. Me. Alone.
    return [f". {reading} ." for reading in readings]


def _candidates(words: set[str], text: str) -> set[int]:
    index = _index()
    found = {number for word in words & index.by_word.keys() for number in index.by_word[word]}
    if not text.isascii() and _JOINED_TEXT.search(text):
        found.update(number for needed, number in index.by_substring if needed in text)
    return found


@cache
def _index() -> _Index:
    by_word: dict[str, list[int]] = {}
    by_substring: list[tuple[str, int]] = []
    for number, pattern in enumerate(all_patterns()):
        for needed in sorted(pattern.needs):
            if pattern.locale in BY_SUBSTRING and not needed.isascii():
                by_substring.append((needed, number))
            else:
                by_word.setdefault(needed, []).append(number)
    return _Index({word: tuple(numbers) for word, numbers in by_word.items()}, tuple(by_substring))


def normalize_spelling(text: str) -> str:
    """`plz stp stoooop txtin me` → `please stop texting me`"""
    spellings = _spellings()
    words = [
        spellings.get(word) or correct_word(word) for word in DRAWN_OUT.sub(r"\1", text).split()
    ]
    return " ".join(
        word for word, before in zip(words, ("", *words), strict=False) if word != before
    )


@cache
def _spellings() -> dict[str, str]:
    rows = read_rows("streams.inbound_keywords", "spellings.tsv")
    return {variant: word for word, variants in rows for variant in variants.split()}
