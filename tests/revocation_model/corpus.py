"""What the model is trained on: the labelled set, ordinary texts of every language, and sentences
that a grammar makes.  Texts of held-out parts, and every fifth private text, are never trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from schemas.keywords import Meaning, normalize, words_in
from streams.inbound_keywords.features import MAX_CHARACTERS, parts_of, words_of
from streams.inbound_keywords.labelled import Label, LabelledText, parse_labelled
from streams.inbound_keywords.score import group_of
from tests.core.inbound_keywords.labelled_set import FOLDER, read_labelled
from tests.revocation_model.grammar import expand, read_grammar

HERE = Path(__file__).parent
PRIVATE_TEXTS = HERE.parents[1] / "services/local/demo/sms_corpus.tsv"
FIRST_SIGHT = FOLDER.parent / "first_sight"
UNLEARNED = frozenset({"2026-11-blind-3", "2026-11-blind-8"})
"""Lists that the model does not learn from: they say how well it reads what it has not seen."""
FOLDS = 5
OTHER_WORDS = (Meaning.START, Meaning.YES, Meaning.HELP)
KEYWORDS = (Label.START, Label.YES, Label.HELP)
LABELLED_WEIGHT = 4.0
"""A text that somebody wrote counts for more than one that was put together."""
UNSURE_WEIGHT = 2.0
LABELLED = frozenset(normalize(one.text) for one in read_labelled())
KEPT = frozenset(normalize(one.text) for one in read_labelled() if one.is_held_out)
PRIVATE_WEIGHT = 6.0
KEYWORD_WEIGHT = 40.0
"""A word that consents or asks for help is never in question."""
PART_WEIGHT = 0.5
"""A sentence or clause of an ordinary text, of that text's own weight."""
HEAVIEST_PART = 4.0
PAUSE_WEIGHTS = {"English": 0.7, "es fr pt de": 3.5, "elsewhere": 8.0}
"""How much worse it is to miss a revocation than to pause for an ordinary text.  Where fewer texts
taught us, more may pause (the reach in `docs/guides/consent.md`)."""


class Example(NamedTuple):
    text: str
    language: str
    kind: str
    """`labelled`, `grammar`, or the source of an ordinary text."""
    pause: bool
    """Whether a person ought to read it before anything else is sent."""
    weight: float
    label: Label


def read_examples() -> Iterator[Example]:
    """What may be learned from."""
    whole = [
        *labelled_examples(held_out=False),
        *first_sight_examples(),
        *grammar_examples(),
        *ordinary_examples(held_out=False),
    ]
    yield from whole
    yield from ordinary_parts(whole)


def ordinary_parts(whole: Iterable[Example]) -> Iterator[Example]:
    """The model rates sentences and clauses too, so it learns that those of ordinary texts are
    ordinary, unless somebody said the same as a revocation."""
    whole = list(whole)
    seen = set(KEPT) | {normalize(one.text).strip(" .,") for one in whole if one.pause}
    for one in whole:
        if one.pause or one.kind == "keyword":
            continue
        for plain, _ in parts_in(normalize(one.text)[:MAX_CHARACTERS]):
            if plain not in seen:
                seen.add(plain)
                weight = PART_WEIGHT * min(one.weight, HEAVIEST_PART)
                yield Example(plain, one.language, "part", False, weight, one.label)


def parts_in(plain: str) -> Iterator[tuple[str, bool]]:
    """Of a normalized text, and whether each is a sentence."""
    words = words_of(plain)
    for start, end, is_sentence in parts_of(plain):
        yield " ".join(words[start:end]), is_sentence


def weight_of(one: Example) -> float:
    group = group_of(LabelledText("", one.label, language=one.language))
    return one.weight * (PAUSE_WEIGHTS[group] if one.pause else 1.0)


def labelled_examples(*, held_out: bool) -> Iterator[Example]:
    for one in read_labelled():
        is_kept = normalize(one.text) in KEPT
        if (one.is_held_out if held_out else not is_kept) and one.label not in KEYWORDS:
            weight = UNSURE_WEIGHT if one.label is Label.UNSURE else LABELLED_WEIGHT
            pause = one.label is not Label.NONE
            yield Example(one.text, one.language, "labelled", pause, weight, one.label)


def first_sight_examples() -> Iterator[Example]:
    """What was scored once before anybody looked, and may be learned from since."""
    for file in sorted(FIRST_SIGHT.glob("*.tsv")):
        if file.stem in UNLEARNED:
            continue
        for one in parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem):
            if normalize(one.text) not in LABELLED and one.label not in KEYWORDS:
                pause = one.label is not Label.NONE
                yield Example(
                    one.text, one.language, "first sight", pause, LABELLED_WEIGHT, one.label
                )


def grammar_examples() -> Iterator[Example]:
    for file in sorted((HERE / "grammar").glob("*.txt")):
        for label, text in expand(read_grammar(file), file.stem):
            if normalize(text) not in KEPT:
                pause = label is not Label.NONE
                yield Example(text, file.stem, "grammar", pause, 1.0, label)


def ordinary_examples(*, held_out: bool) -> Iterator[Example]:
    for file in sorted((HERE / "ordinary").glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").split("\n")[1:]:
            if line:
                text, source = line.split("\t")
                if is_held_out(text) is held_out and normalize(text) not in LABELLED:
                    yield Example(text, file.stem, source, False, 1.0, Label.NONE)
    if not held_out:
        for word in words_in():
            if word.meaning in OTHER_WORDS:
                yield Example(word.word, word.locale, "keyword", False, KEYWORD_WEIGHT, Label.NONE)
    # Advertisements tell how to stop, and whoever sends one on does not say so himself.
    counted = ("ham",) if held_out else ("ham", "spam")
    for line in PRIVATE_TEXTS.read_text(encoding="utf-8").split("\n"):
        kind, _, text = line.partition("\t")
        if kind in counted and is_held_out(text) is held_out and normalize(text) not in LABELLED:
            yield Example(text, "en", "private", False, PRIVATE_WEIGHT, Label.NONE)


def is_held_out(text: str) -> bool:
    """Every fifth ordinary text, by its content: it stays so when others come or go."""
    return crc32(normalize(text).encode()) % FOLDS == 0
