"""How well replies are classified: precision and recall of revocations over labelled texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.keywords import Meaning
from streams.inbound_keywords.classify import Classification, classify_reply


class LabelledText(NamedTuple):
    part: str
    """`tune` was looked at while the patterns were written, `held_out` was not."""
    label: Meaning
    source: str
    """Who wrote the text."""
    text: str


class Misclassified(NamedTuple):
    labelled: LabelledText
    found: Classification


class Score(NamedTuple):
    texts: int
    hits: int
    """Revocations that were found."""
    false: int
    """Texts that were taken for a revocation and are none."""
    missed: int
    """Revocations that were not found."""
    misclassified: tuple[Misclassified, ...]
    """Texts that got any other meaning than their label."""

    @property
    def precision(self) -> float:
        """The share of real revocations among those found; 1 where there are none."""
        return self.hits / (self.hits + self.false) if self.hits + self.false else 1.0

    @property
    def recall(self) -> float:
        """The share of the revocations that were found; 1 where there are none."""
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0


def parse_labelled(lines: Iterable[str]) -> tuple[LabelledText, ...]:
    """Parse lines of `part, label, source, text`, parted by tabs, after a heading.  A line end in a
    text is `\\n`. Raises ValueError, with the line's number."""
    return tuple(
        _parse_line(number, line)
        for number, line in enumerate(lines, 1)
        if number > 1 and line.strip()
    )


def _parse_line(number: int, line: str) -> LabelledText:
    try:
        part, label, source, text = line.rstrip("\r\n").split("\t")
        return LabelledText(part, Meaning(label), source, text.replace("\\n", "\n"))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def score(texts: Iterable[LabelledText]) -> Score:
    results = [Misclassified(text, classify_reply(text.text)) for text in texts]
    revokes = [
        (one.labelled.label is Meaning.REVOKE, one.found.meaning is Meaning.REVOKE)
        for one in results
    ]
    misclassified = tuple(one for one in results if one.found.meaning is not one.labelled.label)
    return Score(
        len(results),
        revokes.count((True, True)),
        revokes.count((False, True)),
        revokes.count((True, False)),
        misclassified,
    )
