"""The patterns for a STOP in other words, as data: one file a language, `patterns/<lang>.tsv`.

A row has an id, the words of which a text must have one, a regular expression over normalized text,
and an example.  A row whose id is `<NAME>` names an expression that later rows of the file share.
A pattern repeats a bounded number of times only, so that it matches in time proportional to the
text; a test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import LOCALES, TONAL, Meaning, fold_letters
from schemas.tsv import read_rows

UNSPACED: Final = frozenset({"zh", "ja", "th"})
"""Written without blanks between words: their expressions match anywhere."""
BY_SUBSTRING: Final = UNSPACED | {"ko", "ar"}
"""What a text needs is looked for inside its words, because Korean and Arabic join particles to
them.  What is written in Latin letters is looked for as a word."""

_NAME: Final = re.compile(r"<[A-Z_]+>")
_FOREIGN: Final = re.compile(r"[^\x00-\x7f]+")


class Pattern(NamedTuple):
    id: str
    locale: str
    needs: frozenset[str]
    """One of these words, spelled right, is in every text that the pattern matches."""
    regex: re.Pattern[str]
    example: str

    @property
    def meaning(self) -> Meaning:
        return Meaning.POSSIBLE if self.id.startswith("maybe_") else Meaning.REVOKE


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """By language, in the order of its file; those that only make a STOP possible are last."""
    found = [pattern for locale in LOCALES for pattern in _read(locale)]
    return tuple(sorted(found, key=lambda pattern: pattern.meaning is Meaning.POSSIBLE))


def patterns_in(locales: Iterable[str]) -> tuple[Pattern, ...]:
    wanted = set(locales)
    return tuple(pattern for pattern in all_patterns() if pattern.locale in wanted)


def _read(locale: str) -> list[Pattern]:
    parts: dict[str, str] = {}
    patterns = []
    for name, needs, expression, example in _rows(locale):
        expanded = _NAME.sub(lambda part: parts[part[0]], expression)
        if name.startswith("<"):
            parts[name] = f"(?:{expanded})"
        else:
            patterns.append(
                Pattern(
                    name,
                    locale,
                    frozenset(_fold(needs, locale).split()),
                    _compile(_fold(expanded, locale), locale),
                    example,
                )
            )
    return patterns


def _fold(expression: str, locale: str) -> str:
    """Its letters as those of normalized text, so that a row may be written as people write."""
    return _FOREIGN.sub(
        lambda letters: fold_letters(letters[0], latin_marks=locale in TONAL), expression
    )


def _compile(expression: str, locale: str) -> re.Pattern[str]:
    """Matches whole words only, where words are parted; a full stop counts as a word."""
    if locale in UNSPACED:
        return re.compile(expression)
    return re.compile(rf"(?<!\S)(?:{expression})(?!\S)")


def _rows(locale: str) -> Iterable[tuple[str, str, str, str]]:
    """(id, needs, expression, example)"""
    rows = read_rows("streams.inbound_keywords", "patterns", f"{locale}.tsv")
    return [(name, needs, expression, example) for name, needs, expression, example, _ in rows]
