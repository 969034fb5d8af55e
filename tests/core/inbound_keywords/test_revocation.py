from __future__ import annotations

import re
from importlib.resources import files

import pytest

from schemas.keywords import LOCALES, Meaning, normalize
from streams.inbound_keywords import classify_reply
from streams.inbound_keywords.patterns import Pattern, all_patterns
from streams.inbound_keywords.revocation import find_revocation, normalize_spelling

LANGUAGES = pytest.mark.parametrize("language", LOCALES)


def patterns_of(language: str) -> list[Pattern]:
    return [pattern for pattern in all_patterns() if pattern.locale == language]


@pytest.mark.parametrize(
    ("body", "by"),
    [
        pytest.param("Please stop texting me", "stop_texting", id="polite"),
        pytest.param("remove me from your list", "remove_me", id="a list"),
        pytest.param("LEAVE ME ALONE!!!", "leave_me_alone", id="angry"),
        pytest.param("don't text me again", "dont_text", id="don't"),
        pytest.param("wrong number stop", "wrong_number", id="wrong number"),
        pytest.param("plz stoooop txting me", "stop_texting", id="misspelt and drawn out"),
        pytest.param(
            "I got a new lawyer. You can stop texting me now, thanks!",
            "stop_texting",
            id="one of many",
        ),
        pytest.param(
            "This isn't Kevin, stop texting me", "stop_texting", id="a comma parts two sentences"
        ),
        pytest.param("please, stop texting me", "stop_texting", id="a comma parts nothing"),
        pytest.param("рlеаsе ѕtор tехting mе", "stop_texting", id="in letters that look alike"),
        pytest.param("you can stop now", "just_stop", id="a keyword and words"),
    ],
)
def test_a_revocation_says_by_which_pattern(body: str, by: str) -> None:
    answered = classify_reply(body)
    assert (answered.meaning, answered.by) == (Meaning.REVOKE, by)


@pytest.mark.parametrize(
    "body",
    [
        "stop by at 5",
        "make my creditors stop calling me",
        "can't stop laughing",
        "My ex won't stop texting me",
        "They need to leave me alone",
        "don't text me before 9",
        "please stop the wage garnishment",
        "how do I opt out of the class action",
        "please don't stop texting me",
        "",
    ],
)
def test_what_is_said_of_others_or_other_things_means_nothing(body: str) -> None:
    assert classify_reply(body).meaning is Meaning.NONE


@LANGUAGES
def test_a_pattern_finds_its_example_by_its_words(language: str) -> None:
    """The words alone are what other tenants of a shared sender are told."""
    found = {
        pattern.id: find_revocation(
            normalize(pattern.example), normalize(pattern.example, latin_marks=True)
        )
        for pattern in patterns_of(language)
    }
    assert found
    by_another = {name: one for name, one in found.items() if one is None or one.pattern != name}
    assert by_another == {}
    assert [one for one in found.values() if one and find_revocation(one.words) is None] == []


@LANGUAGES
def test_a_pattern_of_any_language_counts_for_everybody(language: str) -> None:
    strong = (Meaning.STOP, Meaning.REVOKE)
    weaker = [
        (pattern.id, answered.meaning)
        for pattern in patterns_of(language)
        if (answered := classify_reply(pattern.example)).meaning
        not in (strong if pattern.meaning in strong else (Meaning.POSSIBLE, *strong))
    ]
    assert weaker == []


@LANGUAGES
def test_a_pattern_repeats_a_bounded_number_of_times(language: str) -> None:
    """So that the time it takes is in proportion to the text, whatever that is."""
    unbounded = [
        pattern.id
        for pattern in patterns_of(language)
        if re.search(r"[*+]|\{\d*,\}", pattern.regex.pattern)
    ]
    assert unbounded == []


def test_ids_are_unique() -> None:
    assert len({pattern.id for pattern in all_patterns()}) == len(all_patterns())


def test_no_spelling_is_of_two_words_or_takes_a_word_away() -> None:
    lines = (
        files("streams.inbound_keywords")
        .joinpath("spellings.tsv")
        .read_text(encoding="utf-8")
        .splitlines()[1:]
    )
    variants = [variant for line in lines for variant in line.split("\t")[1].split()]
    assert len(variants) == len(set(variants))
    assert not set(variants) & {word for line in lines for word in line.split("\t")[0].split()}


def test_spelling() -> None:
    assert normalize_spelling("plz stp stp stoooop txtin me") == "please stop texting me"


@pytest.mark.parametrize(
    "unit",
    [
        "stop ",
        "please ",
        "dont text ",
        "i dont want to get the any of these me ",
        "can you please stop remove and ",
        "remove my phone number name and info from off ",
        "stop sending me all the these those any any more ",
        ", ",
        "ﷺ",
    ],
)
def test_long_texts_of_half_matches_are_read(unit: str) -> None:
    assert classify_reply(unit * 1600).meaning in Meaning
