"""`pattern_index.json`, which `python -m streams.inbound_keywords.write_pattern_index` writes.

It holds what `pattern_words.py` reads off each expression: which words a text must have, and which
words a match begins with.  Reading that off all of them takes a second or two, which each process
would pay for its first text.  A test holds that the file is what this command writes.

A pattern that was changed since is not believed, but parsed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple
from zlib import crc32

from streams.inbound_keywords.pattern_words import WordSet

FILE: Final = "pattern_index.json"


class PatternWords(NamedTuple):
    """Of one pattern."""

    also: tuple[WordSet, ...]
    first: frozenset[str] | None


class _Stored(NamedTuple):
    checksum: int
    words: PatternWords


def find_words(name: str, expression: str) -> PatternWords | None:
    """None if the file has not this very expression, which is whole: with the parts it shares."""
    found = _read().get(name)
    return found.words if found and found.checksum == _checksum(expression) else None


@cache
def _read() -> Mapping[str, _Stored]:
    text = files("streams.inbound_keywords").joinpath(FILE).read_text(encoding="utf-8")
    sets: dict[str, WordSet] = {}

    def as_set(words: str) -> WordSet:
        if words not in sets:
            sets[words] = frozenset(words.split("|"))
        return sets[words]

    return {
        name: _Stored(
            checksum,
            PatternWords(tuple(map(as_set, also)), None if first is None else as_set(first)),
        )
        for name, checksum, also, first in json.loads(text)
    }


def write(found: Iterable[tuple[str, str, PatternWords]]) -> str:
    """The file's text, of (id, expression, words)."""
    lines = [
        json.dumps(
            [
                name,
                _checksum(expression),
                ["|".join(sorted(one)) for one in words.also],
                None if words.first is None else "|".join(sorted(words.first)),
            ],
            ensure_ascii=False,
        )
        for name, expression, words in found
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _checksum(expression: str) -> int:
    return crc32(expression.encode())
