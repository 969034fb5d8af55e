"""Segments and Smart Encoding, text by text, against Twilio's own calculator."""

from __future__ import annotations

import pytest_asyncio

from streams.encoding.body import replace_smart_chars
from streams.encoding.segments import count_segments
from tests.contracts.calculator import HOLDS, Counted, counted
from tests.core.segment_texts import generated, heaped
from tests.core.segments_counted import kept, texts

Compared = list[tuple[str, Counted]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def compared() -> Compared:
    """2,787 real texts and 5,000 generated ones, of which the tests without Node know 2,000."""
    given = [*texts(), *generated(5, 3_000)]
    return list(zip(given, await counted(given), strict=True))


def test_there_is_no_difference(compared: Compared) -> None:
    possible = [(text, theirs) for text, theirs in compared if theirs.fullest <= HOLDS]
    assert len(possible) > 0.99 * len(compared)
    assert [
        ascii(text) for text, theirs in possible if count_segments(text) != theirs.segments
    ] == []


def test_smart_encoding_makes_the_same_text_of_the_same_size(compared: Compared) -> None:
    assert [
        ascii(text)
        for text, theirs in compared
        if _utf16(replace_smart_chars(text)) != _utf16(theirs.text)
    ] == []
    possible = [(text, theirs) for text, theirs in compared if theirs.smart_fullest <= HOLDS]
    assert [
        ascii(text)
        for text, theirs in possible
        if count_segments(replace_smart_chars(text)) != theirs.smart
    ] == []


def test_what_is_kept_for_machines_without_node_is_what_it_says(compared: Compared) -> None:
    known = list(zip(kept().plain, kept().smart, strict=True))
    assert [theirs.kept for _, theirs in compared[: len(known)]] == known


async def test_overfull_segments_of_theirs_never_make_ours_fewer() -> None:
    """The one thing that is counted otherwise: a grapheme of more than 67 units."""
    given = list(heaped(5, 200))
    over = [
        (text, theirs)
        for text, theirs in zip(given, await counted(given), strict=True)
        if theirs.fullest > HOLDS
    ]
    assert len(over) > 100
    for text, theirs in over:
        assert count_segments(text) >= max(theirs.segments, -(-len(_utf16(text)) // 2 // 67))


def _utf16(text: str) -> bytes:
    """In which halves that have met are a whole."""
    return text.encode("utf-16-le", "surrogatepass")
