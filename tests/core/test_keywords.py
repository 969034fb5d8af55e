from __future__ import annotations

import pytest

from streams.keywords import SETS, Keyword, keyword


@pytest.mark.parametrize(("meant", "word"), [(meant, word) for meant, words in SETS.items() for word in sorted(words)])
def test_every_word_means_what_its_set_says_in_any_case(meant: Keyword, word: str) -> None:
    assert {keyword(word), keyword(word.lower()), keyword(word.title()), keyword(f"  {word}\n")} == {meant}


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        pytest.param("Stop.", Keyword.STOP, id="a full stop"),
        pytest.param('"STOP!!"', Keyword.STOP, id="quoted, with signs"),
        pytest.param("opt   out", Keyword.STOP, id="two words, many blanks"),
        pytest.param("STOP PLEASE", None, id="more than the word"),
        pytest.param("stop by at 5", None, id="a sentence"),
        pytest.param("don't stop", None, id="the word at the end"),
        pytest.param("STOPP", None, id="another word"),
        pytest.param("yes", Keyword.START, id="yes"),
        pytest.param("yes I can come at 5", None, id="yes to something else"),
        pytest.param("info?", Keyword.HELP, id="help"),
        pytest.param("", None, id="empty"),
        pytest.param("...", None, id="only signs"),
        pytest.param("\0STOP", Keyword.STOP, id="a control character before it"),
        pytest.param("\n" * 900 + "STOP" + "!" * 900, Keyword.STOP, id="far between signs"),
        pytest.param("stop " * 400, None, id="long"),
    ],
)
def test_the_whole_text_is_the_keyword(body: str, meant: Keyword | None) -> None:
    assert keyword(body) is meant


def test_no_word_means_two_things() -> None:
    words = [word for words in SETS.values() for word in words]
    assert len(words) == len(set(words))
