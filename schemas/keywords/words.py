"""Which word means what in which locale: data, in `<locale>.tsv` (meaning, word, source)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from schemas.keywords.fold import bare, folded
from schemas.keywords.meaning import Meaning

ALWAYS: Final = "en"
"""Carriers act on the English words whatever language a firm speaks, so nobody can switch them off."""

LOCALES: Final = (ALWAYS, "es", "fr", "pt", "de")


class Word(NamedTuple):
    """`word` as people write it; `plain` as it is compared."""

    locale: str
    meaning: Meaning
    word: str
    source: str

    @property
    def plain(self) -> str:
        return bare(folded(self.word))


def words_in(locales: Iterable[str] = LOCALES) -> tuple[Word, ...]:
    """Of these locales and of the one that is always on, that one first."""
    return tuple(word for locale in dict.fromkeys((ALWAYS, *locales)) for word in _words(locale))


@cache
def _words(locale: str) -> tuple[Word, ...]:
    lines = (
        files("schemas.keywords").joinpath(f"{locale}.tsv").read_text(encoding="utf-8").splitlines()
    )
    rows = (line.split("\t") for line in lines[1:])
    return tuple(Word(locale, Meaning(meaning), word, source) for meaning, word, source in rows)
