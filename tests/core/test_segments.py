"""The golden counts are those of npm sms-segments-calculator 1.3.0 (Twilio, MIT), which
`tests/contracts` runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.encoding.body import replace_smart_chars
from streams.encoding.graphemes import graphemes
from streams.encoding.segments import BASIC, EXTENSION, count_segments
from tests.core.segment_texts import generated
from tests.core.segments_counted import Kept, digest, kept, texts

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "segments_vectors.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["parts"])[:60])
def test_counts_as_the_referee_does(vector: dict[str, Any]) -> None:
    text = "".join(part * times for part, times in vector["parts"])
    assert count_segments(text) == vector["segments"]


@pytest.fixture(scope="module")
def known() -> Kept:
    known = kept()
    assert digest(texts()) == known.digest, (
        "other texts: renew with python -m tests.contracts.calculator"
    )
    return known


def test_there_is_no_difference_over_real_and_generated_texts(known: Kept) -> None:
    counts = zip(texts(), known.plain, strict=True)
    assert [ascii(text) for text, count in counts if count and count_segments(text) != count] == []
    assert known.plain.count(0) < 20


def test_there_is_none_with_smart_encoding(known: Kept) -> None:
    counts = zip(texts(), known.smart, strict=True)
    assert [
        ascii(text)
        for text, count in counts
        if count and count_segments(replace_smart_chars(text)) != count
    ] == []
    assert known.smart.count(0) < 20


def test_the_texts_are_hard_to_count(known: Kept) -> None:
    """Or the two above prove little: who cuts wherever a segment is full has another count for
    many."""
    longer = [
        (text, count)
        for text, count in zip(texts(), known.plain, strict=True)
        if _is_ucs2(text) and count > 1
    ]
    assert len(longer) > 1_000
    assert (
        sum(
            -(-len(text.encode("utf-16-le", "surrogatepass")) // 2 // 67) != count
            for text, count in longer
        )
        > 100
    )


def _is_ucs2(text: str) -> bool:
    return not set(BASIC + EXTENSION).issuperset(text)


@given(st.integers(0, 10_000))
def test_graphemes_are_the_text(seed: int) -> None:
    (text,) = generated(seed, 1)
    assert "".join(graphemes(text)) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("🇺🇸🇬🇧", 2, id="flags come in pairs"),
        pytest.param("👩🏽‍🚀👨‍👩‍👧‍👦", 2, id="joined emoji are one each"),
        pytest.param("a\r\nb", 4, id="CR LF is two"),
        pytest.param("각\u1100\u1161\u11a8", 2, id="a syllable as one code point, and as three"),
        pytest.param("o\u0301\u0323x", 2, id="a letter with its marks"),
        pytest.param("🇺🇸\u0301\u0301", 2, id="a flag takes one mark: so says the referee"),
    ],
)
def test_graphemes(text: str, count: int) -> None:
    assert len(list(graphemes(text))) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("a" + "\u0301" * 66, 1, id="one grapheme that fills a segment"),
        pytest.param(
            "a" + "\u0301" * 700,
            11,
            id="one grapheme that fits no segment is cut between code points",
        ),
        pytest.param("👨‍👩‍👧‍👦" * 6, 1, id="66 units"),
        pytest.param("👨‍👩‍👧‍👦" * 7, 2, id="77 units: the seventh moves whole"),
    ],
)
def test_graphemes_stay_whole_while_they_can(text: str, count: int) -> None:
    assert count_segments(text) == count


@given(st.text(BASIC + EXTENSION, max_size=700))
def test_gsm_segments_are_near_their_septets(text: str) -> None:
    septets = len(text) + sum(char in EXTENSION for char in text)
    least = 1 if septets <= 160 else -(-septets // 153)
    assert least <= count_segments(text) <= least + septets // 152


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.text("aя😀€", max_size=40)
)
def test_a_longer_text_never_needs_fewer(text: str, more: str) -> None:
    assert count_segments(text + " " + more) >= count_segments(text)
