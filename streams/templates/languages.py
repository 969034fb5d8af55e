"""The languages of texts: which one a person gets, and how dates are written in it.

Names of months and days come from CLDR by way of Babel.  Babel keeps no words for today and
tomorrow, so they are data: `languages.tsv`, for every language that has keywords.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final, NamedTuple

from babel import Locale
from babel.core import get_global
from babel.localedata import exists

from schemas.tsv import read_rows

ENGLISH: Final = "en"


class Language(NamedTuple):
    """How one language speaks of days."""

    locale: str
    """Babel's name for it."""
    day: str
    """The pattern of a day without its year (Unicode TR 35); empty: with the year, as CLDR has
    it."""
    today: str = ""
    """Empty, as `tomorrow`: we do not know the word."""
    tomorrow: str = ""
    place_clock: str = ""
    """How the time of a place is called; `{}` is the place."""


@cache
def _read_languages() -> dict[str, Language]:
    rows = read_rows("streams.templates", "languages.tsv")
    return {row[0]: Language(*row[1:6]) for row in rows}


@lru_cache(maxsize=256)
def find_language(code: str) -> Language:
    """English, where Babel knows none of that code."""
    base = fold_code(code).partition("-")[0]
    if found := _read_languages().get(base):
        return found
    return Language(base, "") if exists(base) else _read_languages()[ENGLISH]


def is_language(code: str) -> bool:
    """Whether dates can be written in it."""
    base = fold_code(code).partition("-")[0]
    return base in _read_languages() or exists(base)


def fold_code(code: str) -> str:
    """`es_MX` and `ES-mx` are one."""
    return code.strip().replace("_", "-").casefold()


@lru_cache(maxsize=1 << 10)
def find_locale(code: str, zone: str) -> Locale:
    """With the country that the code names, else the country of the zone: in New York a time is
    9:00 AM, or 9:00 a.m. in Spanish; in Madrid it is 9:00 and 21:00."""
    base, _, country = fold_code(code).partition("-")
    name = find_language(base).locale
    for territory in (country.upper(), get_global("zone_territories").get(zone, "")):
        if territory and exists(f"{name}_{territory}"):
            return Locale.parse(f"{name}_{territory}")
    return Locale.parse(name)


def choose_language(person: str | None, texts: Iterable[str], locales: Iterable[str]) -> str:
    """Which of the template's languages (`texts`) a person gets: theirs, to the letter or without
    the country; else the tenant's first (`locales`) that it has; else the template's first.

    Raises ValueError if `texts` is empty."""
    by_code = {fold_code(code): code for code in reversed(tuple(texts))}
    for wanted in (person or "", *locales):
        if found := _match(fold_code(wanted), by_code):
            return found
    if not by_code:
        raise ValueError("the template has no text")
    return next(reversed(by_code.values()))


def _match(wanted: str, by_code: dict[str, str]) -> str | None:
    base = wanted.partition("-")[0]
    if not base:
        return None
    near = (code for code in reversed(by_code) if code.partition("-")[0] == base)
    return by_code.get(wanted) or by_code.get(base) or by_code.get(next(near, ""))
