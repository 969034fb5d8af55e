"""Texts that somebody made to keep us busy: their cost is in proportion to their length.

What is counted is calls, not time.  Expressions repeat a bounded number of times, so a call of one
costs what its text is long; `test_revocation.py` holds that of the patterns."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any

import pytest
import regex

from schemas.keywords import LOCALES, Meaning, normalize
from streams.inbound_keywords import classify_reply, own_words, signatures
from streams.inbound_keywords.patterns import PartedText, all_patterns
from streams.inbound_keywords.revocation import normalize_spelling

LONGEST = 1_600
ONCE = 2_000
"""Calls that a text of any length may take."""

KINDS = pytest.mark.parametrize(
    "unit",
    [
        pytest.param("ferme", id="one word without an end, of letters of a STOP word"),
        pytest.param("contactenme", id="one word, of letters of a longer one"),
        pytest.param("stpo unsibscribe qiut ", id="near slips"),
        pytest.param("u s\n\n>*🔕b ", id="quoted lines, of which blank ones are left"),
        pytest.param("s»b»u\n\n\n\n", id="blank lines"),
        pytest.param("willen„これから„\xa0”", id="quotations without an end"),
        pytest.param(
            "'Falsche Nummer, bitte löschen'~'Liked '解除'('dừng'수신", id="many languages"
        ),
        pytest.param("mwen____no me escriban. From: мой. m：거부：stop.", id="many headings"),
        pytest.param("A aimé « Bonjour » ,잘못“i , stop, please. ", id="many reactions"),
        pytest.param("🅩ᴄОМ: said its IT.,: ': _: interromper: don't text me: ", id="look-alikes"),
        pytest.param("s\u0301t\u0323o\u064bp\ufe0f\u200d ", id="combining marks"),
        pytest.param("🇸🇹🇴🆂🆃🅾", id="pictures of letters"),
        pytest.param("John Maria O’Neil - ", id="names"),
        pytest.param("s t o p c a n ", id="letters one by one"),
        pytest.param(". , - ", id="marks alone"),
        pytest.param("1 312 555 ", id="digits"),
    ],
)


@KINDS
def test_twice_the_text_is_at_most_twice_the_work(unit: str) -> None:
    whole, half = fill(unit, LONGEST), fill(unit, LONGEST // 2)
    assert classify_reply(whole).meaning in Meaning
    assert classify_reply(half).meaning in Meaning
    assert count_calls(whole) <= 2.2 * count_calls(half) + ONCE


def fill(unit: str, length: int) -> str:
    return (unit * length)[:length]


def count_calls(text: str) -> int:
    """Of functions of Python and of C, when nothing has to be loaded."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        classify_reply(text)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("module", [own_words, signatures], ids=lambda module: module.__name__)
def test_expressions_never_have_two_repetitions_without_end_beside_each_other(module: Any) -> None:
    """`\\s*\\n\\s*` over blank lines alone took a second."""
    values = vars(module).values()
    found = [one.pattern for one in values if isinstance(one, (re.Pattern, regex.Pattern))]
    assert len(found) >= 3
    unending = r"(?:\\.|\[[^\]]*\])[*+]\)?"
    assert not [one for one in found if re.search(rf"{unending}(?:\\.|.)?{unending}", one)]


@pytest.mark.parametrize("language", LOCALES)
def test_a_long_text_is_searched_at_known_words_as_if_it_were_searched_all_over(
    language: str,
) -> None:
    for pattern in all_patterns():
        if pattern.locale == language:
            texts = {normalize(pattern.example), normalize(pattern.example, latin_marks=True)}
            for text in texts | {normalize_spelling(text) for text in texts}:
                for long in (
                    f". {'hello there ' * 40}. {text} .",
                    f". {text} . {'hello there ' * 40}.",
                ):
                    expected = pattern.regex.search(long)
                    match = pattern.search(PartedText(long))
                    assert (match and match.span()) == (expected and expected.span()), pattern.id
