"""The patterns for a STOP in other words, as data: one file a language, `patterns/<lang>.tsv`.

A row has an id, the words of which a text must have one, a regular expression over normalized text,
and an example.  A row whose id is `<NAME>` names an expression that later rows of the file share.
A pattern repeats a bounded number of times only, so that it matches in time proportional to the
text; a test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import LOCALES, TONAL, Meaning, fold_letters
from schemas.tsv import read_rows
from streams.inbound_keywords.pattern_index import PatternWords, find_words
from streams.inbound_keywords.pattern_tree import Choice, parse_expression
from streams.inbound_keywords.pattern_words import (
    AT_START,
    WordSet,
    first_words,
    sets_of_words,
)

UNSPACED: Final = frozenset({"zh", "ja", "th"})
"""Written without blanks between words: their expressions match anywhere."""
BY_SUBSTRING: Final = UNSPACED | {"ko", "ar"}
"""What a text needs is looked for inside its words, because Korean and Arabic join particles to
them.  What is written in Latin letters is looked for as a word."""

_MARKS: Final = frozenset(".,")
_WORTH_PARTING: Final = 250
"""Characters.  A shorter text is searched in less time than its words are found."""
_NAME: Final = re.compile(r"<[A-Z_]+>")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")


class PartedText:
    """A normalized text between full stops, and where its words are."""

    __slots__ = ("_places", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self._places: dict[str, list[int]] | None = None

    def find_places(self, words: frozenset[str]) -> list[int]:
        """Where these stand, of `first_words`; in order."""
        if self._places is None:
            self._places = self._find_words()
        places = self._places
        return sorted([place for word in places.keys() & words for place in places[word]])

    def _find_words(self) -> dict[str, list[int]]:
        words = self.text.split(" ")
        places: dict[str, list[int]] = {}
        place = 0
        for word, following in zip(words, [*words[1:], ""], strict=True):
            places.setdefault(word, []).append(place)
            if word in _MARKS:
                places.setdefault(f"{word} {following}", []).append(place)
            place += len(word) + 1
        places[AT_START + words[0]] = places[f"{AT_START}{' '.join(words[:2])}"] = [0]
        return places


class Pattern(NamedTuple):
    id: str
    locale: str
    needs: frozenset[str]
    """One of these words, spelled right, is in every text that the pattern matches."""
    expression: str
    """Whole: with what it shares with others, and what parts it from other words."""
    example: str
    also: tuple[WordSet, ...]
    """So is one of each of these."""
    first: frozenset[str] | None
    """Every match begins with one of these; None if that is unknown."""

    @property
    def meaning(self) -> Meaning:
        return Meaning.POSSIBLE if self.id.startswith("maybe_") else Meaning.REVOKE

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when a text has its words: most are never asked for."""
        return _compile(self.expression)

    def search(self, text: PartedText) -> re.Match[str] | None:
        """Its first match, as the expression's own `search` has it, in less time."""
        if self.first is None or len(text.text) < _WORTH_PARTING:
            return self.regex.search(text.text)
        match_at = self.regex.match
        for place in text.find_places(self.first):
            if match := match_at(text.text, place):
                return match
        return None


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """By language, in the order of its file; those that only make a STOP possible are last."""
    found = [pattern for locale in LOCALES for pattern in _read(locale)]
    return tuple(sorted(found, key=lambda pattern: pattern.meaning is Meaning.POSSIBLE))


def patterns_in(locales: Iterable[str]) -> tuple[Pattern, ...]:
    wanted = set(locales)
    return tuple(pattern for pattern in all_patterns() if pattern.locale in wanted)


def _read(locale: str) -> list[Pattern]:
    return [
        Pattern(row.id, locale, row.needs, row.expression, row.example, words.also, words.first)
        for row in _whole_rows(locale)
        if (words := find_words(row.id, row.expression) or _parsed(locale)[row.id])
    ]


def parse_all() -> Iterator[tuple[str, str, PatternWords]]:
    """(id, expression, words) of every pattern, as `pattern_index.json` ought to have them."""
    for locale in LOCALES:
        parsed = _parsed(locale)
        yield from ((row.id, row.expression, parsed[row.id]) for row in _whole_rows(locale))


class _Row(NamedTuple):
    id: str
    needs: frozenset[str]
    expression: str
    """Whole, as that of a `Pattern`."""
    example: str


@cache
def _whole_rows(locale: str) -> tuple[_Row, ...]:
    parts: dict[str, str] = {}
    found = []
    for name, needs, written, example in _rows(locale):
        expanded = _NAME.sub(lambda part: parts[part[0]], _fold(written, locale))
        if name.startswith("<"):
            parts[name] = f"(?:{expanded})"
        else:
            wanted = frozenset(_fold(needs, locale).split())
            found.append(_Row(name, wanted, _part(expanded, locale), example))
    return tuple(found)


@cache
def _parsed(locale: str) -> dict[str, PatternWords]:
    """By id, read off the expressions, which takes long."""
    parts: dict[str, Choice] = {}
    found: dict[str, PatternWords] = {}
    is_spaced = locale not in UNSPACED
    for name, _, written, _ in _rows(locale):
        choice = parse_expression(_fold(written, locale), parts)
        if name.startswith("<"):
            parts[name] = choice
        else:
            also = sets_of_words(choice, whole_words=is_spaced)
            found[name] = PatternWords(also, first_words(choice) if is_spaced else None)
    return found


def _fold(expression: str, locale: str) -> str:
    """Its letters as those of normalized text, so that a row may be written as people write."""
    return _FOREIGN.sub(
        lambda letters: fold_letters(letters[0], latin_marks=locale in TONAL), expression
    )


def _part(expression: str, locale: str) -> str:
    """Matches whole words only, where words are parted; a full stop counts as a word."""
    return expression if locale in UNSPACED else rf"(?<!\S)(?:{expression})(?!\S)"


_compile: Final = cache(re.compile)


def _rows(locale: str) -> Iterable[tuple[str, str, str, str]]:
    """(id, needs, expression, example)"""
    rows = read_rows("streams.inbound_keywords", "patterns", f"{locale}.tsv")
    return [(name, needs, expression, example) for name, needs, expression, example, _ in rows]
