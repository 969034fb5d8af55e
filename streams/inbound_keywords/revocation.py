"""Revocation in other words: "please stop texting me", "take me off your list".

Every language's patterns count for every tenant, because people write in their own language.
`spellings.tsv` has English misspellings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple

from schemas.keywords import ALWAYS, TONAL, Meaning
from schemas.tsv import read_rows
from streams.inbound_keywords.other_channels import prefers_texts
from streams.inbound_keywords.pattern_words import WordSets
from streams.inbound_keywords.patterns import BY_SUBSTRING, PartedText, all_patterns
from streams.inbound_keywords.sentence_shapes import find_shape, may_have_shape
from streams.inbound_keywords.slips import correct_word

CACHED_WORDS: Final = 16_384

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
    bits_of: Callable[[str], int]
    """What a word gives: a bit for each pattern that it may start, by its place in
    `all_patterns`; above those, a bit for each set of words that it is of."""
    also: tuple[int, ...]
    """Which sets of words a text must have, by the pattern's place."""
    by_substring: tuple[tuple[str, int], ...]


def find_revocation(text: str, marked: str = "") -> RevocationMatch | None:
    """The first pattern that matches the normalized `text`; `marked` is the same text with its
    Latin marks, if it has any.

    A comma may part two sentences ("wrong number, stop texting me") or not ("please, stop texting
    me"): both readings are tried."""
    spelled = normalize_spelling(text)
    marked = marked or text
    words = {*text.split(), *spelled.split()}
    if marked != text:
        words.update(marked.split())
    written = {ALWAYS: spelled, **dict.fromkeys(TONAL, marked)}
    patterns = all_patterns()
    readings: dict[str, list[PartedText]] = {}
    for number in _candidates(words, text):
        pattern = patterns[number]
        source = written.get(pattern.locale, text)
        if source not in readings:
            readings[source] = [PartedText(reading) for reading in _readings(source)]
        for reading in readings[source]:
            if match := pattern.search(reading):
                is_certain = pattern.meaning is Meaning.REVOKE and not prefers_texts(text)
                meaning = Meaning.REVOKE if is_certain else Meaning.POSSIBLE
                found = RevocationMatch(meaning, pattern.id, match[0].strip(" .,"))
                return found if is_certain else _find_shape(spelled, text, words) or found
    return _find_shape(spelled, text, words)


def _find_shape(spelled: str, text: str, words: set[str]) -> RevocationMatch | None:
    shape = find_shape(spelled) if may_have_shape(words) else None
    if shape is None or prefers_texts(text):
        return None
    return RevocationMatch(shape.meaning, shape.id, shape.words)


def _readings(text: str) -> list[str]:
    readings = [text.replace(" ,", ""), text] if "," in text else [text]
    if text.count(" .") > 1 and text.count(" ") <= 2 * text.count(" .") + 1:
        readings.append(text.replace(" .", ""))  # Leave. Me. Alone.
    return [f". {reading} ." for reading in readings]


def _candidates(words: set[str], text: str) -> Iterator[int]:
    """The patterns that may match, in their order."""
    index = _index()
    bits = 0
    for word in words:
        bits |= index.bits_of(word)
    found = bits & _ALL_PATTERNS
    if not text.isascii() and _JOINED_TEXT.search(text):
        for needed, bit in index.by_substring:
            if needed in text:
                found |= bit
    while found:
        number = (found & -found).bit_length() - 1
        found &= found - 1
        if not index.also[number] & ~bits:
            yield number


_PLACES: Final = 1024
"""Room for patterns."""
_ALL_PATTERNS: Final = (1 << _PLACES) - 1


@cache
def _index() -> _Index:
    starts: dict[str, int] = {}
    by_substring: list[tuple[str, int]] = []
    sets = WordSets()
    for number, pattern in enumerate(all_patterns()):
        for needed in sorted(pattern.needs):
            if pattern.locale in BY_SUBSTRING and not needed.isascii():
                by_substring.append((needed, 1 << number))
            else:
                starts[needed] = starts.get(needed, 0) | 1 << number
    also = tuple(sets.add(pattern.also) << _PLACES for pattern in all_patterns())

    @lru_cache(CACHED_WORDS)
    def bits_of(word: str) -> int:
        return starts.get(word, 0) | sets.bits_of(word) << _PLACES

    return _Index(bits_of, also, tuple(by_substring))


def normalize_spelling(text: str) -> str:
    """`plz stp stoooop txtin me` → `please stop texting me`"""
    before = ""
    words = []
    for written in text.split():
        word = _spell(written)
        if word != before:
            words.append(word)
            before = word
    return " ".join(words)


@lru_cache(CACHED_WORDS)
def _spell(written: str) -> str:
    word = DRAWN_OUT.sub(r"\1", written)
    return _spellings().get(word) or correct_word(word)


@cache
def _spellings() -> dict[str, str]:
    rows = read_rows("streams.inbound_keywords", "spellings.tsv")
    return {variant: word for word, variants in rows for variant in variants.split()}
