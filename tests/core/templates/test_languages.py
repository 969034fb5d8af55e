"""Which language a person gets, and how days are written in it."""

from __future__ import annotations

from datetime import date

import pytest
from babel.localedata import exists

from schemas.keywords import LOCALES
from schemas.tsv import read_rows
from streams.templates.languages import choose_language, find_language, is_language
from streams.templates.moments import write_day, write_time, write_weekday
from tests.core.templates.cases import at

DAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("person", "texts", "locales", "chosen"),
    [
        pytest.param("es", ("en", "es"), ("en",), "es", id="theirs"),
        pytest.param("ES-mx", ("en", "es", "es-MX"), ("en",), "es-MX", id="with their country"),
        pytest.param("es-MX", ("en", "es"), ("en",), "es", id="without it"),
        pytest.param("es", ("en", "es-MX", "es-PR"), ("en",), "es-MX", id="of another, the first"),
        pytest.param("es_mx", ("en", "es-MX"), ("en",), "es-MX", id="written in another way"),
        pytest.param("tl", ("fr", "en"), ("en",), "en", id="the tenant's first"),
        pytest.param("tl", ("fr", "es"), ("de", "es"), "es", id="the tenant's second"),
        pytest.param("tl", ("fr", "es"), ("en",), "fr", id="the template's first"),
        pytest.param(None, ("fr", "es"), ("es",), "es", id="nobody knows theirs"),
        pytest.param("", ("fr", "es"), (), "fr", id="nor anything"),
        pytest.param("español", ("fr", "es"), (), "fr", id="no code"),
    ],
)
def test_choice(
    person: str | None, texts: tuple[str, ...], locales: tuple[str, ...], chosen: str
) -> None:
    assert choose_language(person, texts, locales) == chosen


def test_without_a_text() -> None:
    with pytest.raises(ValueError, match="no text"):
        choose_language("en", (), ("en",))


def test_every_language_of_the_keywords_has_its_words() -> None:
    rows = read_rows("streams.templates", "languages.tsv")
    assert {row[0] for row in rows} == set(LOCALES)
    for code, locale, *words, source in rows:
        assert all(words), code
        assert source
        assert exists(locale)
        assert is_language(code)


@pytest.mark.parametrize("language", LOCALES)
def test_words_of_a_day(language: str) -> None:
    words = find_language(language)
    day = write_day(DAY, language, "America/New_York")
    assert words.today != words.tomorrow
    assert "2" in day
    assert "2026" not in day
    assert write_weekday(DAY, language, "America/New_York") in day
    time = write_time(at("2026-11-02 14:00"), language, "America/New_York")
    assert "9" in time
    assert not set("\u202f\u00a0\u2009’") & set(day + time)


def test_a_language_beyond_the_table_has_babels_dates() -> None:
    assert write_day(DAY, "sv", "America/New_York") == "måndag 2 november 2026"
    assert write_day(DAY, "xx", "America/New_York") == "Monday, November 2"
