"""What the model of revocations looks at in a text: parts of words, pairs of words, and length.

A feature is a bucket: the CRC-32 of its bytes, cut to 18 bits.  The trainer and the reader share
this file.  A change here asks for `make train`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple
from zlib import crc32

MAX_CHARACTERS: Final = 480
"""Of a normalized text.  A wish is near its beginning; what is longer costs time."""
MAX_WORD_CHARACTERS: Final = 40
"""Of one word, and of one run of a script that has no blanks."""
LONG_WORDS: Final = 12
"""A clause of more is read in stretches too: many write, or dictate, without any comma."""
STRETCH_WORDS: Final = 8
BUCKETS: Final = 1 << 18

_DIGIT_OR_LONG: Final = re.compile(rf"[\d²³¹]|\S{{{MAX_WORD_CHARACTERS + 1}}}")
"""What a word of its own may stand for, or be cut to."""
MASK: Final = BUCKETS - 1
_PARTS: Final = (2, 3, 4, 5)
"""Characters of the parts of a word."""
_SHORT_PARTS: Final = (1, 2, 3, 4)
"""Where a character is a syllable or a word: from Thai on."""
_FIRST_SYLLABLE: Final = "\u0e00"
_STEM: Final = 5
_MARKS: Final = frozenset(".,")
_LENGTHS: Final = (1, 2, 3, 4, 6, 9, 13, 19, 27)


class Word(NamedTuple):
    buckets: tuple[int, ...]
    """Of its parts."""
    whole: bytes
    stem: bytes
    before: int
    """CRC-32 of what comes before the next word, for pairs of whole words; then of stems."""
    before_stem: int
    before_skipped: int
    """The same where one word stands between."""


class Part(NamedTuple):
    """A sentence, or less, of a text's words: from `start` until before `end`."""

    start: int
    end: int
    is_sentence: bool


def words_of(text: str) -> list[str]:
    """A normalized text's words; a full stop is one, a comma is none."""
    return without_commas(split(text))


def parts_of(text: str) -> list[Part]:
    """Of `words_of(text)`: its sentences, if it has several; what commas part; and stretches of
    what goes on long without one.  Nothing of a short text that is one clause."""
    words = split(text)
    return parts_among(words, without_commas(words))


def split(text: str) -> list[str]:
    """The words and marks of a normalized text."""
    words = text.split()
    if not _DIGIT_OR_LONG.search(text):
        return words
    return ["0" if word.isdigit() else word[:MAX_WORD_CHARACTERS] for word in words]


def without_commas(words: list[str]) -> list[str]:
    return [word for word in words if word != ","] if "," in words else words


def parts_among(words: list[str], plain: list[str]) -> list[Part]:
    """`parts_of`, of words that are split already, and of the same without commas."""
    if len(words) <= LONG_WORDS and _MARKS.isdisjoint(words):
        return []
    sentences: list[Part] = []
    clauses: list[Part] = []
    sentence = clause = place = 0
    for word in [*words, "."]:
        if word in _MARKS:
            clauses.append(Part(clause, place, is_sentence=False))
            if word == ".":
                sentences.append(Part(sentence, place, is_sentence=True))
                place += 1
                sentence = place
            clause = place
        else:
            place += 1
    sentences = [part for part in sentences if part.start < part.end]
    clauses = [part for part in clauses if part.start < part.end]
    found = sentences if len(sentences) > 1 else []
    if len(clauses) > len(sentences):
        found = found + clauses
    for start, end, _ in clauses:
        if end - start > LONG_WORDS:
            last = end - STRETCH_WORDS
            starts = (*range(start, last, STRETCH_WORDS // 2), last)
            found = found + [Part(at, at + STRETCH_WORDS, is_sentence=False) for at in starts]
    return [part for part in found if _says_something(plain, part)]


def _says_something(words: Sequence[str], part: Part) -> bool:
    """One word by itself says too little, where words are parted."""
    return part.end - part.start > 1 or words[part.start] >= _FIRST_SYLLABLE


def describe_word(text: str) -> Word:
    data = f"<{text}>".encode("utf-32-le", "surrogatepass")
    parts = _SHORT_PARTS if text >= _FIRST_SYLLABLE else _PARTS
    buckets = [crc32(data) & MASK]
    for length in parts:
        size = 4 * length
        buckets += [
            crc32(data[start : start + size]) & MASK for start in range(0, len(data) - size + 1, 4)
        ]
    whole = text.encode("utf-8", "surrogatepass")
    stem = text[:_STEM].encode("utf-8", "surrogatepass")
    return Word(
        tuple(buckets),
        whole,
        stem,
        crc32(b"2 %b " % whole),
        crc32(b"s %b " % stem),
        crc32(b"k %b " % stem),
    )


def pair_buckets(first: Word, second: Word) -> tuple[int, int]:
    """Of two words that follow each other, as they are; and of their stems."""
    return (
        crc32(second.whole, first.before) & MASK,
        crc32(second.stem, first.before_stem) & MASK,
    )


def skip_bucket(first: Word, third: Word) -> int:
    """Of the stems of two words with one between them."""
    return crc32(third.stem, first.before_skipped) & MASK


def buckets_of(words: Sequence[Word]) -> list[int]:
    """Of a text or a part, between marks for its beginning and its end."""
    marked = [START, *words, END]
    found = [length_bucket(len(words))]
    for word in marked:
        found += word.buckets
    if words:
        for first, second in pairwise(marked):
            found += pair_buckets(first, second)
    if len(words) > 1:
        for first, third in zip(marked, marked[2:], strict=False):
            found.append(skip_bucket(first, third))
    return found


@cache
def length_bucket(words: int) -> int:
    return crc32(b"length %d" % sum(words > length - 2 for length in _LENGTHS)) & MASK


START: Final = describe_word("^")
END: Final = describe_word("$")
