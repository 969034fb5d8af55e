"""What the model is trained on: the labelled set, ordinary texts of every language, and sentences
that a grammar makes.  Texts of held-out parts, and every fifth private text, are never trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from schemas.keywords import Meaning, normalize, words_in
from streams.inbound_keywords.labelled import Label
from tests.core.inbound_keywords.labelled_set import read_labelled
from tests.revocation_model.grammar import expand, read_grammar

HERE = Path(__file__).parent
PRIVATE_TEXTS = HERE.parents[1] / "services/local/demo/sms_corpus.tsv"
FOLDS = 5
OTHER_WORDS = (Meaning.START, Meaning.YES, Meaning.HELP)
KEYWORDS = (Label.START, Label.YES, Label.HELP)
LABELLED_WEIGHT = 4.0
"""A text that somebody wrote counts for more than one that was put together."""
UNSURE_WEIGHT = 2.0
LABELLED = frozenset(normalize(one.text) for one in read_labelled())
KEPT = frozenset(normalize(one.text) for one in read_labelled() if one.is_held_out)
PRIVATE_WEIGHT = 2.0


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
    yield from labelled_examples(held_out=False)
    yield from grammar_examples()
    yield from ordinary_examples(held_out=False)


def labelled_examples(*, held_out: bool) -> Iterator[Example]:
    for one in read_labelled():
        is_kept = normalize(one.text) in KEPT
        if (one.is_held_out if held_out else not is_kept) and one.label not in KEYWORDS:
            weight = UNSURE_WEIGHT if one.label is Label.UNSURE else LABELLED_WEIGHT
            pause = one.label is not Label.NONE
            yield Example(one.text, one.language, "labelled", pause, weight, one.label)


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
                yield Example(word.word, word.locale, "keyword", False, LABELLED_WEIGHT, Label.NONE)
    for line in PRIVATE_TEXTS.read_text(encoding="utf-8").split("\n"):
        kind, _, text = line.partition("\t")
        if kind == "ham" and is_held_out(text) is held_out and normalize(text) not in LABELLED:
            yield Example(text, "en", "private", False, PRIVATE_WEIGHT, Label.NONE)


def is_held_out(text: str) -> bool:
    """Every fifth ordinary text, by its content: it stays so when others come or go."""
    return crc32(normalize(text).encode()) % FOLDS == 0
