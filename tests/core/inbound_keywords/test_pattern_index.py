"""What is stored of the patterns' words, so that the first text of a process is read soon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from streams.inbound_keywords import pattern_index, patterns
from streams.inbound_keywords.pattern_index import FILE, find_words, write
from streams.inbound_keywords.patterns import all_patterns, parse_all

HOUSE = Path(__file__).parents[3]


def test_the_file_is_what_the_command_writes() -> None:
    """If not: `python -m streams.inbound_keywords.write_pattern_index`."""
    parsed = list(parse_all())
    file = HOUSE / "streams/inbound_keywords" / FILE
    assert file.read_text(encoding="utf-8") == write(parsed)
    assert {pattern.id for pattern in all_patterns()} == {name for name, *_ in parsed}
    by_id = {name: words for name, _, words in parsed}
    for pattern in all_patterns():
        assert (pattern.also, pattern.first) == by_id[pattern.id]


def test_a_pattern_that_was_changed_since_is_not_believed() -> None:
    one = all_patterns()[0]
    assert find_words(one.id, one.expression) is not None
    assert find_words(one.id, one.expression + "|another") is None
    assert find_words("no_such_pattern", one.expression) is None


def test_a_pattern_that_is_not_stored_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "find_words", lambda name, expression: None)
    stored = {one.id: one for one in all_patterns() if one.locale == "ko"}
    assert {one.id: one for one in patterns._read("ko")} == stored


def test_no_word_is_parted_by_the_sign_between_words() -> None:
    words = [
        word
        for _, _, found in parse_all()
        for one in (*found.also, found.first or frozenset())
        for word in one
    ]
    assert words
    assert not [word for word in words if "|" in word or not word]


def test_the_first_text_parses_no_expression() -> None:
    code = (
        "from streams.inbound_keywords import classify_reply, patterns;"
        "classify_reply('please stop texting me');"
        "print(patterns._parsed.cache_info().currsize)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "0"
    assert pattern_index._read.cache_info().currsize == 1
