"""Words that a tenant adds to the keywords."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from pydantic import Field, model_validator

from schemas.base import Message
from schemas.keywords.fold import bare, folded
from schemas.keywords.meaning import Meaning
from schemas.keywords.words import words_in

LONGEST: Final = 40
"""Characters of a word: a keyword is a word or two, not a sentence."""

AT_MOST: Final = 100
"""Words in one list."""

Words = tuple[str, ...]


class OwnWords(Message):
    """Extra words by meaning.  They add to the sets; a word that has a meaning, in any locale, keeps it."""

    stop: Words = Field(default=(), max_length=AT_MOST)
    start: Words = Field(default=(), max_length=AT_MOST)
    yes: Words = Field(default=(), max_length=AT_MOST)
    help: Words = Field(default=(), max_length=AT_MOST)

    def pairs(self) -> Iterator[tuple[str, Meaning]]:
        """(word, meaning), a STOP before anything else."""
        for meaning in (Meaning.STOP, Meaning.START, Meaning.YES, Meaning.HELP):
            yield from ((word, meaning) for word in getattr(self, meaning))

    @model_validator(mode="after")
    def _only_adds(self) -> OwnWords:
        known = dict(_taken())
        for word, meaning in self.pairs():
            plain = bare(folded(word))
            if not plain or len(word) > LONGEST:
                raise ValueError(
                    f"{word[:LONGEST]!r} is no keyword: write one to {LONGEST} characters with a letter"
                )
            if (taken := known.setdefault(plain, meaning)) is not meaning:
                raise ValueError(
                    f"{word!r} means {taken.upper()} already and cannot mean {meaning.upper()} as well"
                )
        return self


@cache
def _taken() -> dict[str, Meaning]:
    return {word.plain: word.meaning for word in words_in()}
