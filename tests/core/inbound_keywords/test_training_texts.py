"""What the model learns from, without the packages that fit it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from schemas.keywords import normalize
from streams.inbound_keywords.labelled import Label
from tests.core.inbound_keywords.labelled_set import read_labelled
from tests.revocation_model.corpus import (
    HERE,
    grammar_examples,
    is_held_out,
    ordinary_examples,
    read_examples,
)
from tests.revocation_model.grammar import expand, read_grammar

SHIPPED = [
    "en",
    "es",
    "fr",
    "pt",
    "de",
    "it",
    "nl",
    "pl",
    "ru",
    "ar",
    "zh",
    "ja",
    "ko",
    "hi",
    "vi",
    "tl",
    "ht",
]
LEARNED = list(read_examples())
NOTICE = (Path(__file__).parents[3] / "NOTICE").read_text(encoding="utf-8")


def test_nothing_of_a_held_out_part_is_learned() -> None:
    kept = {normalize(one.text) for one in read_labelled() if one.is_held_out}
    assert len(kept) > 500
    learned = {one.text for one in LEARNED if one.kind != "keyword"}
    assert sorted(text for text in learned if normalize(text) in kept) == []
    ordinary = [one for one in LEARNED if one.kind in ("tatoeba", "home-assistant", "private")]
    assert len(ordinary) > 10_000
    assert not any(is_held_out(one.text) for one in ordinary)


@pytest.mark.parametrize("language", SHIPPED)
def test_each_language_has_ordinary_texts_to_weigh_against_revocations(language: str) -> None:
    counts = Counter(one.pause for one in LEARNED if one.language == language)
    assert counts[False] >= 500
    assert counts[False] >= counts[True]
    assert counts[True] >= 300


def test_the_grammar_makes_the_same_sentences_each_time() -> None:
    assert list(grammar_examples()) == list(grammar_examples())


@pytest.mark.parametrize("file", sorted((HERE / "grammar").glob("*.txt")), ids=lambda f: f.stem)
def test_a_grammar_leaves_none_of_its_signs_in_a_sentence(file: Path) -> None:
    made = [text for _, text in expand(read_grammar(file), file.stem)]
    assert [text for text in made if set("@[]|()") & set(text)] == []
    labels = {label for label, _ in expand(read_grammar(file), file.stem)}
    assert {Label.REVOKE, Label.NONE} <= labels


def test_ordinary_texts_name_a_source_whose_licence_is_told() -> None:
    texts = list(ordinary_examples(held_out=True)) + list(ordinary_examples(held_out=False))
    assert {one.kind for one in texts} == {"tatoeba", "home-assistant", "private", "keyword"}
    for credit in ("Tatoeba", "Home Assistant intents", "UCI SMS Spam Collection"):
        assert credit in NOTICE


def test_the_texts_stay_small() -> None:
    size = sum(file.stat().st_size for file in HERE.rglob("*") if file.suffix in (".tsv", ".txt"))
    assert size <= 1_500_000
