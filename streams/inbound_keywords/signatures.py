"""Take a signature off the end of a text: what phones and mail programs add, greetings, names.

A keyword counts whatever stands below it.  What programs add is data, in `signatures.tsv`.
Names are told by where they stand and how they are written, and by `given_names.tsv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import regex

from schemas.tsv import read_rows

_NAME: Final = r"[\p{L}][\p{L}\p{M}.'’-]{0,24}(?:[ ,]{1,2}[\p{L}(][\p{L}\p{M}.'’)-]{0,24}){0,3}"
_BEFORE: Final = r"(?:\A|[\s,.;:!?|~(\[<–—-]{1,20})"
_AFTER: Final = r"[\s,.;:!?|~)\]>–—-]{0,20}\Z"
_BY_DASH: Final = regex.compile(
    rf"\s{{0,3}}(?:[-–—~*/|]{{1,3}}\s?|\()(?P<name>{_NAME})\s?\)?{_AFTER}"
)
_BY_BLANK: Final = regex.compile(rf"(?:[,.!;]\s{{0,3}}|\s)(?P<name>{_NAME})\.?\s{{0,3}}\Z")
_CONTACT: Final = regex.compile(
    r"(?i)[\s(+]{0,3}\d[\d\s().+-]{5,20}|\S{1,40}@\S{1,40}|(?:https?://|www\.)\S{1,60}"
    r"|(?:tel|phone|cell|mobile|office|fax|email|e-mail|web|p|m|t|c|o|f)\b[.:]?.{0,50}"
)
_MOST_LINES: Final = 7
_LONGEST_LINE: Final = 60
_LINE_MARKS: Final = " \t\r-–—*_~|"


class Unsigned(NamedTuple):
    text: str
    is_certain: bool = True
    """Whether nothing but a signature can have been there."""


def without_signature(text: str, words: set[str], *, names: bool) -> Iterator[Unsigned]:
    """The readings of a text without what may be its signature, the surest first; bare names are
    looked for only with `names`.  `words` are those of the text, normalized.

    `STOP - John` → `STOP`"""
    bare = text if words.isdisjoint(_added_words()) and text.isascii() else _without_added(text)
    if bare != text:
        yield Unsigned(bare)
    if not names:
        return
    dashed = _BY_DASH.search(bare)
    if dashed is not None and _is_name(dashed["name"], set_apart=True):
        yield Unsigned(bare[: dashed.start()])
    above, below = _part_lines(bare)
    if below and all(_is_of_a_signature(line.strip(_LINE_MARKS)) for line in below):
        yield Unsigned(above)
    for blank in _BY_BLANK.finditer(bare, overlapped=True) if len(bare) <= 80 else ():
        if _is_name(blank["name"], set_apart=bare[blank.start()] in ",.!;"):
            yield Unsigned(bare[: blank.start()], is_certain=False)


def _without_added(text: str) -> str:
    """More than one thing may be added: `John` below `Sent from my iPhone`."""
    for _ in range(3):
        folded = text.casefold()
        shorter = next(
            (
                text[: found.start()]
                for needs, one in _added()
                if any(needed in folded for needed in needs) and (found := one.search(text))
            ),
            text,
        )
        if shorter == text:
            return text
        text = shorter
    return text


def _part_lines(text: str) -> tuple[str, list[str]]:
    """What may be a signature is the last few lines, below a line of dashes or not."""
    lines = text.split("\n")
    first = len(lines)
    while first > max(1, len(lines) - _MOST_LINES) and len(lines[first - 1]) <= _LONGEST_LINE:
        first -= 1
    above = "\n".join(lines[:first]).rstrip()
    over, _, dashes = above.rpartition("\n")
    if over and len(dashes) > 1 and not dashes.strip("-"):
        above = over.rstrip()
    return above, lines[first:]


def _is_of_a_signature(line: str) -> bool:
    if not line or _CONTACT.fullmatch(line) or _is_title(line):
        return True
    return any(one.fullmatch(line) for _, one in _added())


def _is_title(line: str) -> bool:
    """A name, a rank, a company: few words, most of them with a capital."""
    words = line.split()
    capitals = [word for word in words if word[0].isupper() or not word[0].isalpha()]
    if not words or len(words) > 6 or _ordinary(words[0]):
        return False
    return len(capitals) >= max(1, len(words) - 1) or _is_name(line, set_apart=True)


def _is_name(text: str, *, set_apart: bool) -> bool:
    """`set_apart`: something stands between it and the words before."""
    words = [word.strip(".,'’()-") for word in text.replace(",", " ").split()]
    words = [word for word in words if word]
    if not words or len(words) > 4 or any(map(_ordinary, words)):
        return False
    if words[0].casefold() in _given_names():
        return len(words) <= 3
    if not all(word[0].isupper() for word in words):
        return set_apart and len(words) == 1 and len(words[0]) <= 2
    if set_apart:
        return True
    return 2 <= len(words) <= 3 and all(word.istitle() for word in words)


def _ordinary(word: str) -> bool:
    return word.strip(".,!?'’").replace("’", "'").casefold() in _ordinary_words()


@cache
def _added() -> tuple[tuple[tuple[str, ...], regex.Pattern[str]], ...]:
    """(what a text must have one of, casefolded; what is taken off)"""
    return tuple(
        (
            tuple(needs.casefold().split("|")),
            regex.compile(rf"(?i){_BEFORE}(?:{expression.replace('<NAME>', _NAME)}){_AFTER}"),
        )
        for _, needs, expression, _, _ in read_rows("streams.inbound_keywords", "signatures.tsv")
    )


@cache
def _added_words() -> frozenset[str]:
    """A text in plain letters has one of these, if a program added anything to it."""
    return frozenset(needed for needs, _ in _added() for needed in needs if needed.isascii())


@cache
def _given_names() -> frozenset[str]:
    return _word_list("given_names.tsv")


@cache
def _ordinary_words() -> frozenset[str]:
    return _word_list("no_names.tsv")


def _word_list(name: str) -> frozenset[str]:
    text = files("streams.inbound_keywords").joinpath(name).read_text(encoding="utf-8")
    return frozenset(
        word for line in text.splitlines() if not line.startswith("#") for word in line.split()
    )
