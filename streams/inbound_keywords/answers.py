"""What a text means as an answer to an opt-in request, if it is no keyword.

Consent is never guessed: "ok" opts nobody in, unless a tenant lists it among its own `yes` words.
A "no", or a sign of it, may be a STOP.  The words are data: `answers.tsv`, for every language and
every tenant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from schemas.keywords import Meaning, normalize, readings_of, strip_marks, words_in
from schemas.tsv import read_rows
from streams.inbound_keywords.classification import Classification


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


WORDS_AT_MOST: Final = {Answer.YES: 4, Answer.NO: 8}
"""A text that begins with a yes or a no, and is no longer, is one."""

PLAIN: Final = 2
"""Words of an answer that says nothing else."""

_DRAWN_OUT: Final = re.compile(r"(\w)\1{2,}")
"""`noooo`"""


class _Answers(NamedTuple):
    words: dict[str, Answer]
    """By normalized word or words."""
    signs: dict[str, Answer]
    """By emoji."""


def classify_answer(found: Classification, body: str) -> Classification:
    """A text for people to read, where an opt-in request is unanswered: a "no" may be a STOP."""
    if found.meaning is not Meaning.NONE:
        return found
    answer, by, words = _read(body)
    if answer is not Answer.NO:
        return found
    return Classification(Meaning.POSSIBLE, f"answer:{by}", words)


def forbid_yes(found: Classification, body: str) -> Classification:
    """A yes beside a sign of refusal is none."""
    if found.meaning not in (Meaning.START, Meaning.YES):
        return found
    sign = next(_signs_in(body, Answer.NO), "")
    return Classification(Meaning.POSSIBLE, f"sign:{sign}", found.words) if sign else found


def is_soft_yes(body: str) -> bool:
    """Such as "ok" or "yes please": they may want texts, and have not said START."""
    return _read(body)[0] is Answer.YES


def is_plain_answer(reading: str) -> bool:
    """One or two words that are an answer: what is asked decides what they mean."""
    words = strip_marks(reading).replace(",", " ").split()
    return len(words) <= PLAIN and any(
        " ".join(words[:length]) in _answers().words for length in (PLAIN, 1)
    )


def _read(body: str) -> tuple[Answer | None, str, str]:
    """The answer, what it was found by, and the words; a no before a yes."""
    for sign in _signs_in(body, Answer.NO):
        return Answer.NO, sign, sign
    known = _answers().words
    answers = [found for reading in readings_of(body) if (found := _read_words(reading, known))]
    for wanted in (Answer.NO, Answer.YES):
        for answer, word in answers:
            if answer is wanted:
                return answer, word, word
    for sign in _signs_in(body, Answer.YES):
        if not strip_marks(normalize(body)):
            return Answer.YES, sign, sign
    return None, "", ""


def _read_words(reading: str, known: dict[str, Answer]) -> tuple[Answer, str] | None:
    text = strip_marks(reading)
    short = _DRAWN_OUT.sub(r"\1", text)
    for whole in (text, short):
        if whole in known:
            return known[whole], whole
    words = short.split()
    for length in range(min(len(words), max(WORDS_AT_MOST.values())) - 1, 0, -1):
        start = " ".join(words[:length])
        answer = known.get(start)
        if answer is not None:
            return (answer, start) if len(words) <= WORDS_AT_MOST[answer] else None
    return None


def _signs_in(body: str, wanted: Answer) -> Iterator[str]:
    signs = _answers().signs
    return (sign for sign in body if signs.get(sign) is wanted)


@cache
def _answers() -> _Answers:
    """A START or YES of a locale that the tenant has not switched on is a yes like any other."""
    words = {
        word.plain: Answer.YES
        for word in words_in()
        if word.meaning in (Meaning.START, Meaning.YES)
    }
    signs: dict[str, Answer] = {}
    for answer, word, language, _ in read_rows("streams.inbound_keywords", "answers.tsv"):
        if language == "emoji":
            signs[word] = Answer(answer)
            continue
        for reading in readings_of(word):
            words.setdefault(strip_marks(reading), Answer(answer))
    return _Answers(words, signs)
