"""The golden counts are those of npm sms-segments-calculator 1.3.0 (Twilio, MIT)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.segments import BASIC, EXTENSION, segments

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "segments_vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["parts"])[:60])
def test_counts_as_the_referee_does(vector: dict[str, Any]) -> None:
    text = "".join(part * times for part, times in vector["parts"])
    assert segments(text) == vector["segments"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("a" + "\u0301" * 66, 1, id="one grapheme that fills a segment"),
        pytest.param("a" + "\u0301" * 700, 11, id="one grapheme that fits no segment is cut between code points"),
        pytest.param("👨‍👩‍👧‍👦" * 6, 1, id="66 units"),
        pytest.param("👨‍👩‍👧‍👦" * 7, 2, id="77 units: the seventh moves whole"),
    ],
)
def test_graphemes_stay_whole_while_they_can(text: str, count: int) -> None:
    assert segments(text) == count


@given(st.text(BASIC + EXTENSION, max_size=700))
def test_gsm_needs_no_fewer_than_its_septets_and_at_most_one_in_153_more(text: str) -> None:
    septets = len(text) + sum(char in EXTENSION for char in text)
    least = 1 if septets <= 160 else -(-septets // 153)
    assert least <= segments(text) <= least + septets // 152


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.text("aя😀€", max_size=40))
def test_a_longer_text_never_needs_fewer(text: str, more: str) -> None:
    assert segments(text + " " + more) >= segments(text)
