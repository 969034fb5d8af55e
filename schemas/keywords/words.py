"""Which word means what in which locale, and the words that a tenant adds.

The words are data, in `<locale>.tsv` (meaning, word, source).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from pydantic import Field, model_validator

from schemas.base import Message
from schemas.keywords.normalize import normalize, strip_marks

ALWAYS: Final = "en"
"""Carriers act on the English words whatever language a tenant speaks, so nobody can switch them
off."""

LOCALES: Final = (ALWAYS, "es", "fr", "pt", "de")

MAX_CHARACTERS: Final = 40
"""Of a tenant's word: a keyword is a word or two, not a sentence."""

MAX_WORDS: Final = 100
"""In one of a tenant's lists."""


class Meaning(StrEnum):
    """What somebody may mean by a text, as far as we can act on it."""

    STOP = "stop"
    START = "start"
    """Certain consent: nobody writes it for another reason."""
    YES = "yes"
    """It answers something; whoever classifies the text has to know what."""
    HELP = "help"
    REVOKE = "revoke"
    """A STOP in other words.  We act on it at once, and a person looks at it."""
    NONE = "none"
    """For people to read."""


class Word(NamedTuple):
    locale: str
    meaning: Meaning
    word: str
    """As people write it."""
    source: str

    @property
    def plain(self) -> str:
        """As we compare it."""
        return strip_marks(normalize(self.word))


def words_in(locales: Iterable[str] = LOCALES) -> tuple[Word, ...]:
    """The words of these locales, after those of the one that is always on."""
    return tuple(word for locale in dict.fromkeys((ALWAYS, *locales)) for word in _words(locale))


@cache
def _words(locale: str) -> tuple[Word, ...]:
    text = files("schemas.keywords").joinpath(f"{locale}.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return tuple(Word(locale, Meaning(meaning), word, source) for meaning, word, source in rows)


@cache
def _meanings() -> dict[str, Meaning]:
    """By word, as we compare it; of all locales."""
    return {word.plain: word.meaning for word in words_in()}


Words = tuple[str, ...]


class OwnWords(Message):
    """A tenant's words by meaning.  They only add: a word that has a meaning, in any locale, keeps
    it."""

    stop: Words = Field(default=(), max_length=MAX_WORDS)
    start: Words = Field(default=(), max_length=MAX_WORDS)
    yes: Words = Field(default=(), max_length=MAX_WORDS)
    help: Words = Field(default=(), max_length=MAX_WORDS)

    def pairs(self) -> Iterator[tuple[str, Meaning]]:
        """(word, meaning), a STOP before anything else."""
        for meaning in (Meaning.STOP, Meaning.START, Meaning.YES, Meaning.HELP):
            yield from ((word, meaning) for word in getattr(self, meaning))

    @model_validator(mode="after")
    def _only_adds(self) -> OwnWords:
        known = dict(_meanings())
        for word, meaning in self.pairs():
            plain = strip_marks(normalize(word))
            if not plain or len(word) > MAX_CHARACTERS:
                raise ValueError(
                    f"{word[:MAX_CHARACTERS]!r} is no keyword:"
                    f" write one to {MAX_CHARACTERS} characters with a letter"
                )
            taken = known.setdefault(plain, meaning)
            if taken is not meaning:
                raise ValueError(
                    f"{word!r} means {taken.upper()} already"
                    f" and cannot mean {meaning.upper()} as well"
                )
        return self
