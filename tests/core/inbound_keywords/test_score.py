from __future__ import annotations

from pathlib import Path

import pytest

from schemas.keywords import Meaning
from streams.inbound_keywords import classify_reply
from streams.inbound_keywords.score import LabelledText, Score, parse_labelled, score

HERE = Path(__file__).parent
HOUSE = Path(__file__).parents[3]
SAID = parse_labelled((HERE / "labelled.tsv").read_text(encoding="utf-8").splitlines())
CORPUS = (HOUSE / "services/local/demo/sms_corpus.tsv").read_text(encoding="utf-8").splitlines()


def of(part: str) -> Score:
    return score(one for one in SAID if one.part == part)


def test_the_set_is_large_and_much_of_it_is_real() -> None:
    corpus = {line.split("\t", 1)[1] for line in CORPUS}
    real = [one for one in SAID if one.source == "corpus"]
    assert len(SAID) >= 200
    assert len(real) >= 100
    assert all(one.text in corpus for one in real)
    assert len({one.text for one in SAID}) == len(SAID)
    assert {one.part for one in SAID} == {"tune", "held_out"}


def test_nothing_labelled_as_a_keyword_is_read_as_anything_else() -> None:
    words = (Meaning.STOP, Meaning.START, Meaning.YES, Meaning.HELP)
    assert score(one for one in SAID if one.label in words).misclassified == ()


@pytest.mark.parametrize(
    ("part", "precision", "recall"), [("tune", 0.98, 0.97), ("held_out", 0.66, 0.90)]
)
def test_it_reads_no_worse_than_it_did(part: str, precision: float, recall: float) -> None:
    assert of(part).precision >= precision
    assert of(part).recall >= recall


def test_the_docs_quote_what_is_measured() -> None:
    told = (HOUSE / "streams/inbound_keywords/README.md").read_text(encoding="utf-8")
    for part in ("tune", "held_out"):
        found = of(part)
        assert (
            f"| `{part}` | {found.texts} | {found.hits + found.missed} | {found.hits} | {found.false} "
            f"| {found.precision:.1%} | {found.recall:.1%} |"
        ) in told


def test_of_private_texts_only_what_revokes_is_taken_for_it() -> None:
    """All of the corpus that is not advertising: what people write to each other."""
    private = [line.removeprefix("ham\t") for line in CORPUS if line.startswith("ham\t")]
    texts = [LabelledText("", Meaning.NONE, "corpus", text) for text in private]
    taken = {one.labelled.text[:32] for one in score(texts).misclassified}
    assert taken == {
        "Please don't text me anymore. I ",
        "I think u have the wrong number.",
        "Any chance you might have had wi",
    }


def test_a_score_counts() -> None:
    said = [
        LabelledText("a", Meaning.REVOKE, "", "stop texting me"),
        LabelledText("a", Meaning.REVOKE, "", "hello"),
        LabelledText("a", Meaning.NONE, "", "leave me alone"),
        LabelledText("a", Meaning.NONE, "", "hello"),
        LabelledText("a", Meaning.STOP, "", "STOP"),
    ]
    found = score(said)
    assert (found.texts, found.hits, found.false, found.missed) == (5, 1, 1, 1)
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert [one.labelled.text for one in found.misclassified] == ["hello", "leave me alone"]
    assert (score([]).precision, score([]).recall) == (1.0, 1.0)


@pytest.mark.parametrize("line", ["tune\trevoke\twritten", "tune\tno-such\twritten\tx"])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_labelled(["part\tlabel\tsource\ttext", line])


def test_the_words_alone_of_any_revocation_revoke_as_well() -> None:
    """They are all that other tenants of a shared sender are told."""
    read = [classify_reply(one.text) for one in SAID]
    alone = {
        answered.words: classify_reply(answered.words).meaning for answered in read if answered.by
    }
    assert [words for words, meaning in alone.items() if meaning is Meaning.NONE] == []
