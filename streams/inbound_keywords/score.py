"""How well replies are classified: what becomes of labelled texts, by language and label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from math import sqrt
from typing import Final, NamedTuple

from streams.inbound_keywords.classification import Classification
from streams.inbound_keywords.classify import classify_reply
from streams.inbound_keywords.labelled import UNKNOWN_LANGUAGE, Label, LabelledText


class Tier(StrEnum):
    """What becomes of the automatic texts to whoever wrote."""

    OUT = "out"
    """Opted out, by a word or a pattern."""
    PAUSED = "paused"
    """Held until a person has read the text."""
    GOES_ON = "goes_on"
    """A revocation that ends here is missed."""


class Kind(StrEnum):
    """Of labels: those that ought to end in the same tier."""

    REVOKE = "revoke"
    ORDINARY = "ordinary"
    UNSURE = "unsure"
    KEYWORD = "start, yes, help"


class Misread(NamedTuple):
    """A text that did not end where its label belongs."""

    labelled: LabelledText
    found: Classification


class Interval(NamedTuple):
    low: float
    high: float


class Row(NamedTuple):
    """The texts of one language, or of several, and of one kind."""

    language: str
    kind: Kind
    texts: int
    out: int
    paused: int
    goes_on: int

    def interval(self, tier: Tier) -> Interval:
        return wilson(getattr(self, tier), self.texts)


class Score(NamedTuple):
    languages: tuple[Row, ...]
    pooled: tuple[Row, ...]
    """English; Spanish, French, Portuguese and German; elsewhere; and all."""
    misread: tuple[Misread, ...]
    """Without the texts of held-out parts: nobody should learn from them."""
    hidden: int
    """How many texts of held-out parts were misread."""


KIND_OF: Final = {
    Label.STOP: Kind.REVOKE,
    Label.REVOKE: Kind.REVOKE,
    Label.UNSURE: Kind.UNSURE,
    Label.NONE: Kind.ORDINARY,
    Label.START: Kind.KEYWORD,
    Label.YES: Kind.KEYWORD,
    Label.HELP: Kind.KEYWORD,
}
BELONGS: Final = {
    Kind.REVOKE: Tier.OUT,
    Kind.UNSURE: Tier.PAUSED,
    Kind.ORDINARY: Tier.GOES_ON,
    Kind.KEYWORD: Tier.GOES_ON,
}
_TIERS: Final[dict[str, Tier]] = {
    "stop": Tier.OUT,
    "revoke": Tier.OUT,
    "possible": Tier.PAUSED,
}
ENGLISH: Final = "English"
ROMANCE_AND_GERMAN: Final = "es fr pt de"
ELSEWHERE: Final = "elsewhere"
_GROUPS: Final = {"en": ENGLISH} | dict.fromkeys(ROMANCE_AND_GERMAN.split(), ROMANCE_AND_GERMAN)
_FIRST: Final = (ENGLISH, ROMANCE_AND_GERMAN, "en", "es", "fr", "pt", "de")
ALL: Final = "all"
_Z_95: Final = 1.959964


def score(
    texts: Iterable[LabelledText],
    classify: Callable[[str], Classification] = classify_reply,
) -> Score:
    results = [Misread(one, classify(one.text)) for one in texts]
    misread = [one for one in results if not _is_right(one)]
    shown = tuple(one for one in misread if not one.labelled.is_held_out)
    return Score(
        tuple(_count(results, lambda one: one.language)),
        tuple(_count(results, group_of)) + tuple(_count(results, lambda _: ALL)),
        shown,
        len(misread) - len(shown),
    )


def tier_of(found: Classification) -> Tier:
    return _TIERS.get(found.meaning, Tier.GOES_ON)


def group_of(labelled: LabelledText) -> str:
    if labelled.language == UNKNOWN_LANGUAGE:
        return UNKNOWN_LANGUAGE
    return _GROUPS.get(labelled.language, ELSEWHERE)


def wilson(count: int, texts: int) -> Interval:
    """The 95 % interval of a share (Wilson 1927), which also holds for few texts."""
    if not texts:
        return Interval(0.0, 1.0)
    share, square = count / texts, _Z_95 * _Z_95
    middle = share + square / (2 * texts)
    spread = _Z_95 * sqrt(share * (1 - share) / texts + square / (4 * texts * texts))
    whole = 1 + square / texts
    return Interval(max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole))


def _is_right(one: Misread) -> bool:
    kind = KIND_OF[one.labelled.label]
    if kind is Kind.KEYWORD:
        return one.found.meaning.value == one.labelled.label.value
    return tier_of(one.found) is BELONGS[kind]


def _count(results: Sequence[Misread], name_of: Callable[[LabelledText], str]) -> Iterator[Row]:
    counts: dict[tuple[str, Kind], dict[Tier, int]] = {}
    for one in results:
        key = name_of(one.labelled), KIND_OF[one.labelled.label]
        counts.setdefault(key, dict.fromkeys(Tier, 0))[tier_of(one.found)] += 1
    names = sorted(dict.fromkeys(name for name, _ in counts), key=_order)
    for name in names:
        for kind in Kind:
            if tiers := counts.get((name, kind)):
                yield Row(name, kind, sum(tiers.values()), *tiers.values())


def _order(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST)), name
