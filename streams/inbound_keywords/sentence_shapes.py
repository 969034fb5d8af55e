"""Sentences all of whose words we know: what they say depends on the kinds of their words alone.

A pattern knows a phrase and lets anything stand around it.  A shape knows no phrase, but lets
nothing unknown stand anywhere: each word of the sentence becomes the letter of its kind
(`word_kinds.tsv`), and the letters have to match as a whole (`sentence_shapes.tsv`).  "It's high
time you people quit bombarding my cell" is one, and nobody had to foresee it.  A third person, a
time of day or a topic is of no kind, and so is no part of any shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import Meaning
from schemas.tsv import read_rows

MOST_WORDS: Final = 28
"""Of a sentence.  A longer one always has a word of no kind."""
MOST_SENTENCES: Final = 16
_LEADS_ON: Final = frozenset({"to", "if", "unless"})
"""What follows says how something is done, or when, and asks for nothing: "to stop texts, ..."."""
UNKNOWN: Final = "?"
NUMBER: Final = "#"

_NAME: Final = re.compile(r"<[A-Z]+>")


class Shape(NamedTuple):
    id: str
    regex: re.Pattern[str]
    example: str

    @property
    def meaning(self) -> Meaning:
        return Meaning.POSSIBLE if self.id.startswith("maybe_") else Meaning.REVOKE


class ShapeMatch(NamedTuple):
    id: str
    meaning: Meaning
    words: str


@cache
def all_shapes() -> tuple[Shape, ...]:
    parts: dict[str, str] = {}
    found = []
    for name, written, example, _ in read_rows("streams.inbound_keywords", "sentence_shapes.tsv"):
        expanded = _NAME.sub(lambda part: parts[part[0]], written)
        if name.startswith("<"):
            parts[name] = f"(?:{expanded})"
        else:
            found.append(Shape(name, re.compile(expanded), example))
    return tuple(sorted(found, key=lambda shape: shape.meaning is Meaning.POSSIBLE))


@cache
def word_kinds() -> dict[str, str]:
    rows = read_rows("streams.inbound_keywords", "word_kinds.tsv")
    return {word: letter for _, letter, words in rows for word in words.split()}


def find_shape(spelled: str) -> ShapeMatch | None:
    """The first shape that a sentence of a normalized text has, or a clause of one; its words are
    spelled right."""
    possible = None
    for words, letters in _sentences(spelled):
        if _MAY_REVOKE(letters) is None:
            continue
        for shape in all_shapes():
            if shape.regex.search(letters):
                if shape.meaning is Meaning.REVOKE:
                    return ShapeMatch(shape.id, shape.meaning, " ".join(words))
                possible = possible or ShapeMatch(shape.id, shape.meaning, " ".join(words))
    return possible


_MAY_REVOKE: Final = re.compile("[sUovj]|[nN].*[tTx]|[rR].*p").search
"""What the letters of every shape have."""


def may_have_shape(words: set[str]) -> bool:
    """Whether the words of a text, spelled right, may make one; quick to tell."""
    orders, nots, sent, removals, offs = _words_of_shapes()
    return not (
        orders.isdisjoint(words)
        and (nots.isdisjoint(words) or sent.isdisjoint(words))
        and (removals.isdisjoint(words) or offs.isdisjoint(words))
    )


@cache
def _words_of_shapes() -> tuple[frozenset[str], ...]:
    kinds = word_kinds()
    return tuple(
        frozenset(word for word, kind in kinds.items() if kind in letters)
        for letters in ("sUovj", "nN", "tTx", "rR", "p")
    )


def _sentences(spelled: str) -> Iterator[tuple[list[str], str]]:
    """Of each sentence, and then of each of its clauses, the words and the letters."""
    kinds = word_kinds()
    for sentence in spelled.split(" . ")[:MOST_SENTENCES]:
        clauses = [clause.split() for clause in sentence.strip(" .").split(",")]
        words = [word for clause in clauses for word in clause]
        if not words or len(words) > MOST_WORDS or words[0] in _LEADS_ON:
            continue
        letters = [kinds.get(word) or _other_kind(word) for word in words]
        yield words, "".join(letters)
        if len(clauses) > 1:
            start = 0
            for clause in clauses:
                end = start + len(clause)
                if len(clause) > 1:
                    yield clause, "".join(letters[start:end])
                start = end


def _other_kind(word: str) -> str:
    if word.isdigit():
        return NUMBER
    kind = word_kinds().get(f"{word}g") if word.endswith("in") else None
    return kind or UNKNOWN
