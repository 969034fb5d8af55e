from __future__ import annotations

from pathlib import Path

import pytest

from schemas.keywords import Meaning
from streams.inbound_keywords import Classification, classify_reply
from streams.inbound_keywords.labelled import Label, LabelledText
from streams.inbound_keywords.score import Kind, Row, Tier, score, wilson
from tests.core.inbound_keywords.labelled_set import read_labelled

HOUSE = Path(__file__).parents[3]
SAID = read_labelled()
CORPUS = (HOUSE / "services/local/demo/sms_corpus.tsv").read_text(encoding="utf-8").splitlines()
PRIVATE = [line.removeprefix("ham\t") for line in CORPUS if line.startswith("ham\t")]


def test_much_of_the_set_is_real() -> None:
    corpus = {line.split("\t", 1)[1] for line in CORPUS}
    real = [one for one in SAID if one.source == "corpus"]
    assert len(real) >= 100
    assert all(one.text in corpus for one in real)


def test_nothing_labelled_as_a_keyword_is_read_as_anything_else() -> None:
    words = (Label.STOP, Label.START, Label.YES, Label.HELP)
    found = {
        one.text: classify_reply(one.text).meaning.value
        for one in SAID
        if one.label in words and one.language == "en"
    }
    assert found == {one.text: one.label.value for one in SAID if one.text in found}


@pytest.mark.parametrize(("part", "out", "ordinary"), [("tune", 325, 4), ("held_out", 9, 5)])
def test_english_is_read_no_worse_than_it_was(part: str, out: int, ordinary: int) -> None:
    texts = [one for one in SAID if (one.part, one.language) == (part, "en")]
    rows = {row.kind: row for row in score(texts).languages}
    assert rows[Kind.REVOKE].out >= out
    assert rows[Kind.ORDINARY].out <= ordinary


def test_of_private_texts_only_what_revokes_is_taken_for_it() -> None:
    """All of the corpus that is not advertising: what people write to each other."""
    taken = {text[:32] for text in PRIVATE if classify_reply(text).meaning is Meaning.REVOKE}
    assert taken == {
        "Please don't text me anymore. I ",
        "Any chance you might have had wi",
    }


def answer(text: str) -> Classification:
    """`out ...` opts out, `possible ...` pauses, and the like."""
    return Classification(Meaning(text.split(maxsplit=1)[0]), "test")


def said(language: str, label: str, text: str, part: str = "") -> LabelledText:
    return LabelledText(text, Label(label), "", part, language)


def test_a_score_counts_by_language_and_kind_and_pools() -> None:
    found = score(
        [
            said("fr", "revoke", "revoke"),
            said("fr", "revoke", "none"),
            said("en", "stop", "stop"),
            said("en", "none", "revoke 2"),
            said("en", "none", "none 2"),
            said("ko", "unsure", "none 3"),
            said("en", "yes", "yes"),
        ],
        answer,
    )
    assert found.languages == (
        Row("en", Kind.REVOKE, 1, 1, 0, 0),
        Row("en", Kind.ORDINARY, 2, 1, 0, 1),
        Row("en", Kind.KEYWORD, 1, 0, 0, 1),
        Row("fr", Kind.REVOKE, 2, 1, 0, 1),
        Row("ko", Kind.UNSURE, 1, 0, 0, 1),
    )
    names = list(dict.fromkeys(row.language for row in found.pooled))
    assert names == ["English", "es fr pt de", "elsewhere", "all"]
    assert [one.labelled.text for one in found.misread] == ["none", "revoke 2", "none 3"]
    assert score([]) == ((), (), (), 0)


def test_what_was_misread_in_a_held_out_part_is_counted_and_not_shown() -> None:
    found = score([said("en", "revoke", "none", part) for part in ("held_out", "dev_held_out")])
    assert (found.misread, found.hidden) == ((), 2)


@pytest.mark.parametrize(
    ("count", "texts", "low", "high"),
    [(0, 68, 0.0, 0.0535), (1, 300, 0.0006, 0.0186), (5, 5, 0.5655, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(count: int, texts: int, low: float, high: float) -> None:
    found = wilson(count, texts)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert Row("en", Kind.REVOKE, texts, count, 0, 0).interval(Tier.OUT) == found


def test_the_words_alone_of_any_revocation_revoke_as_well() -> None:
    """They are all that other tenants of a shared sender are told."""
    read = [classify_reply(one.text) for one in SAID]
    alone = {
        answered.words: classify_reply(answered.words).meaning for answered in read if answered.by
    }
    assert [words for words, meaning in alone.items() if meaning is Meaning.NONE] == []
