"""What the model of revocations looks at in a text: parts of words, pairs of words, and length.

A feature is a bucket: the CRC-32 of its bytes, cut to 18 bits.  The trainer and the reader share
this file.  A change here asks for `make train`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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

_MASK: Final = BUCKETS - 1
_PARTS: Final = (2, 3, 4, 5)
"""Characters of the parts of a word."""
_SHORT_PARTS: Final = (1, 2, 3, 4)
"""Where a character is a syllable or a word: from Thai on."""
_FIRST_SYLLABLE: Final = "\u0e00"
_STEM: Final = 5
_CLAUSE_END: Final = re.compile(r" ?[.,] ")
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


def words_of(text: str) -> list[str]:
    """A normalized text's words, between marks for its beginning and its end."""
    words = ["0" if word.isdigit() else word[:MAX_WORD_CHARACTERS] for word in text.split()]
    return ["^", *(word for word in words if word != ","), "$"]


def sentences_of(text: str) -> list[str]:
    """Of a normalized text; none if it is one sentence."""
    found = text.split(" . ")
    return [part for part in found if _says_something(part)] if len(found) > 1 else []


def clauses_of(text: str) -> list[str]:
    """What commas part, and stretches of what goes on long without one; none if the text is short
    and has no comma."""
    parts = _CLAUSE_END.split(text) if "," in text else []
    found = [part for part in parts if _says_something(part)]
    for part in found or [text]:
        if part.count(" ") >= LONG_WORDS:
            words = part.split()
            last = len(words) - STRETCH_WORDS
            starts = (*range(0, last, STRETCH_WORDS // 2), last)
            found += [" ".join(words[start : start + STRETCH_WORDS]) for start in starts]
    return found


def _says_something(part: str) -> bool:
    """One word by itself says too little, where words are parted."""
    plain = part.strip(" .,")
    return " " in plain or plain >= _FIRST_SYLLABLE


def describe_word(text: str) -> Word:
    data = f"<{text}>".encode("utf-32-le", "surrogatepass")
    parts = _SHORT_PARTS if text >= _FIRST_SYLLABLE else _PARTS
    buckets = [crc32(data) & _MASK]
    for length in parts:
        size = 4 * length
        buckets += [
            crc32(data[start : start + size]) & _MASK for start in range(0, len(data) - size + 1, 4)
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


def context_buckets(words: Sequence[Word]) -> list[int]:
    """Of two words that follow each other, as they are and their stems; of the stems of two words
    with one between them; and of the text's length."""
    found = [_length_bucket(len(words))]
    for first, second in pairwise(words):
        found.append(crc32(second.whole, first.before) & _MASK)
        found.append(crc32(second.stem, first.before_stem) & _MASK)
    for first, third in zip(words, words[2:], strict=False):
        found.append(crc32(third.stem, first.before_skipped) & _MASK)
    return found


def _length_bucket(words: int) -> int:
    return crc32(b"length %d" % sum(words > length for length in _LENGTHS)) & _MASK
