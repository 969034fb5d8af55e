"""Sentences all of whose words are known."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas.keywords import Meaning, normalize
from schemas.tsv import read_rows
from streams.inbound_keywords import classify_reply
from streams.inbound_keywords.revocation import normalize_spelling
from streams.inbound_keywords.sentence_shapes import all_shapes, find_shape, may_have_shape


def test_a_word_is_of_one_kind() -> None:
    rows = read_rows("streams.inbound_keywords", "word_kinds.tsv")
    counts = Counter(word for _, _, words in rows for word in words.split())
    assert [word for word, count in counts.items() if count > 1] == []


def test_a_shape_finds_its_example_and_its_words_do_as_well() -> None:
    for shape in all_shapes():
        spelled = normalize_spelling(normalize(shape.example))
        found = find_shape(spelled)
        assert found is not None
        assert found.id == shape.id
        assert may_have_shape(set(spelled.split()))
        assert classify_reply(found.words).meaning in (Meaning.STOP, Meaning.REVOKE)


@pytest.mark.parametrize(
    "text",
    [
        "its high time you guys quit bombarding my cell",
        "why cant you people just stop contacting us",
        "we asked you three weeks ago to drop our number from your records",
        "unfortunately I have to unsubscribe now",
    ],
)
def test_a_sentence_that_nobody_foresaw_opts_out(text: str) -> None:
    assert classify_reply(text).meaning is Meaning.REVOKE


@pytest.mark.parametrize(
    "text",
    [
        "please don't stop texting me",
        "I will stop texting you",
        "Why did you stop texting me",
        "no need to stop sending these",
        "I never said stop",
        "do I tell them to stop contacting me",
        "Don't text me in the morning.",
        "can we do this over text",
    ],
)
def test_a_negation_a_third_person_or_a_time_opts_nobody_out(text: str) -> None:
    assert classify_reply(text).meaning in (Meaning.NONE, Meaning.POSSIBLE)
