"""How well answers are read: precision and recall of revocation in other words over labelled texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.keywords import Meaning
from streams.inbound_keywords.classify import Classification, classify_reply


class LabelledText(NamedTuple):
    """`part`: `tune` was looked at while the patterns were written, `held_out` was not.  `source`: who wrote it."""

    part: str
    label: Meaning
    source: str
    text: str


class Misclassified(NamedTuple):
    said: LabelledText
    read: Classification


class Score(NamedTuple):
    """`hits`, `false` and `missed` count revocations; `misread` is every text read as anything but its label."""

    texts: int
    hits: int
    false: int
    missed: int
    misclassified: tuple[Misclassified, ...]

    @property
    def precision(self) -> float:
        """Of those read as a revocation, how many are one; 1 where there are none."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else 1.0

    @property
    def recall(self) -> float:
        """Of the revocations, how many are read as one; 1 where there are none."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0


def parse_labelled(lines: Iterable[str]) -> tuple[LabelledText, ...]:
    """From lines of `part, label, source, text`, parted by tabs, after a heading; a line end in a text is `\\n`.
    Raises ValueError, with the line's number."""
    return tuple(
        _labelled(number, line)
        for number, line in enumerate(lines, 1)
        if number > 1 and line.strip()
    )


def _labelled(number: int, line: str) -> LabelledText:
    try:
        part, label, source, text = line.rstrip("\r\n").split("\t")
        return LabelledText(part, Meaning(label), source, text.replace("\\n", "\n"))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def score(said: Iterable[LabelledText]) -> Score:
    read = [Misclassified(one, classify_reply(one.text)) for one in said]
    revokes = [
        (one.said.label is Meaning.REVOKE, one.read.meaning is Meaning.REVOKE) for one in read
    ]
    misread = tuple(one for one in read if one.read.meaning is not one.said.label)
    return Score(
        len(read),
        revokes.count((True, True)),
        revokes.count((False, True)),
        revokes.count((True, False)),
        misread,
    )
