"""Which word means what in which locale, and the words that a tenant adds.

The words are data, in `<locale>.tsv` (meaning, word, source, elsewhere).  A STOP word of any locale
counts for every tenant, because people write in their own language.  `elsewhere` is what it means
for a tenant that has not switched its locale on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from pydantic import Field, ValidationInfo, model_validator

from schemas.base import Message, is_kept
from schemas.keywords.normalize import has_latin_marks, normalize, readings_of, strip_marks
from schemas.tsv import read_rows

ALWAYS: Final = "en"
"""Carriers act on the English words whatever language a tenant speaks, so nobody can switch them
off."""

LOCALES: Final = (
    *(ALWAYS, "es", "fr", "pt", "de", "it", "nl", "pl", "ru"),
    *("ar", "zh", "ja", "ko", "hi", "vi", "tl", "ht"),
)

TONAL: Final = frozenset({"vi"})
"""Locales whose words are told apart by marks on Latin letters."""

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
    POSSIBLE = "possible"
    """It may be a STOP.  Automatic texts pause until a person has read it."""
    NONE = "none"
    """For people to read."""


class Word(NamedTuple):
    locale: str
    meaning: Meaning
    word: str
    """As people write it."""
    source: str
    elsewhere: Meaning = Meaning.NONE
    """What it means where the locale is off: REVOKE, or POSSIBLE if it is an ordinary word
    elsewhere.  Nobody opts in by a word that the tenant does not know."""

    @property
    def plain(self) -> str:
        """As we compare it."""
        return strip_marks(normalize(self.word, latin_marks=self.locale in TONAL))

    @property
    def without_tones(self) -> str:
        """As people write it who leave the tones out; empty where there are none."""
        if self.locale in TONAL and has_latin_marks(self.word):
            return strip_marks(normalize(self.word))
        return ""


def words_in(locales: Iterable[str] = LOCALES) -> tuple[Word, ...]:
    """The words of these locales, after those of the one that is always on."""
    return tuple(word for locale in dict.fromkeys((ALWAYS, *locales)) for word in _words(locale))


@cache
def _words(locale: str) -> tuple[Word, ...]:
    return tuple(
        Word(locale, Meaning(meaning), word, source, Meaning(elsewhere or Meaning.NONE))
        for meaning, word, source, elsewhere in read_rows("schemas.keywords", f"{locale}.tsv")
    )


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
    def _only_adds(self, info: ValidationInfo) -> OwnWords:
        if is_kept(info):  # a later version may have given one of these words a meaning
            return self
        known = dict(_meanings())
        for word, meaning in self.pairs():
            plain, *others = map(strip_marks, readings_of(word))
            if not plain or len(word) > MAX_CHARACTERS:
                raise ValueError(
                    f"{word[:MAX_CHARACTERS]!r} is no keyword:"
                    f" write one to {MAX_CHARACTERS} characters with a letter"
                )
            known.setdefault(plain, meaning)
            taken = {known[one] for one in (plain, *others) if one in known} - {meaning}
            if taken:
                raise ValueError(
                    f"{word!r} means {taken.pop().upper()} already"
                    f" and cannot mean {meaning.upper()} as well"
                )
        return self
