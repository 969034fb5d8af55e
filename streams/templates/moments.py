"""Days and times in the language of a text, and whose clock they are by."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import format_date, format_time, get_timezone_location, get_timezone_name

from schemas.tsv import read_rows
from streams.templates.languages import ENGLISH, find_language, find_locale, fold_code

_PLAIN: Final = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u2009": " ", "’": "'"})
"""CLDR puts such blanks before AM and p.m.; one of them makes a whole text UCS-2."""
_TYPICAL: Final = {
    "America_Eastern": "America/New_York",
    "America_Central": "America/Chicago",
    "America_Mountain": "America/Denver",
    "America_Pacific": "America/Los_Angeles",
    "Alaska": "America/Anchorage",
    "Atlantic": "America/Halifax",
    "Europe_Central": "Europe/Paris",
    "Europe_Eastern": "Europe/Bucharest",
    "Europe_Western": "Atlantic/Canary",
    "GMT": "Europe/London",
}
"""The place that people think of at CLDR's name of a time (CLDR metaZones, territory 001)."""


class Moment(NamedTuple):
    """The day of an event or a named date, and its time if it has one."""

    day: date
    at: datetime | None
    """The instant, in UTC; None: the whole day."""
    zone: str
    """Of its place."""


# --- as such


@lru_cache(maxsize=1 << 12)
def write_date(day: date, language: str, zone: str) -> str:
    """`November 2, 2026`."""
    return format_date(day, "long", find_locale(language, zone)).translate(_PLAIN)


@lru_cache(maxsize=1 << 12)
def write_day(day: date, language: str, zone: str) -> str:
    """`Monday, November 2`."""
    pattern = find_language(language).day or "full"
    return format_date(day, pattern, find_locale(language, zone)).translate(_PLAIN)


@lru_cache(maxsize=1 << 12)
def write_weekday(day: date, language: str, zone: str) -> str:
    return format_date(day, "EEEE", find_locale(language, zone)).translate(_PLAIN)


@lru_cache(maxsize=1 << 12)
def write_time(at: datetime, language: str, zone: str) -> str:
    """`9:00 AM`, by the clock of `zone`."""
    local = at.astimezone(ZoneInfo(zone)).time()
    return format_time(local, "short", locale=find_locale(language, zone)).translate(_PLAIN)


# --- whose clock


@lru_cache(maxsize=1 << 12)
def differs(at: datetime, zone: str, zones: tuple[str, ...]) -> bool:
    """Whether a clock in one of `zones` may show another time than one in `zone` does."""
    there = at.astimezone(ZoneInfo(zone)).utcoffset()
    return any(at.astimezone(ZoneInfo(each)).utcoffset() != there for each in zones)


@lru_cache(maxsize=1 << 10)
def name_clock(zone: str, language: str, year: int) -> str:
    """`Eastern time`, or `Arizona time` where the larger zone's name would mislead."""
    locale = find_locale(language, zone)
    place = _read_places().get(zone)
    if place is None:
        noon = datetime(year, 7, 1, 12, tzinfo=ZoneInfo(zone))
        name = get_timezone_name(noon, "long", locale=locale, zone_variant="generic")
        if _keeps_typical_time(zone, year) and not any(map(str.isdigit, name)):
            return _soften(name, language)
        place = get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)
    pattern = find_language(language).place_clock or "{}"
    return pattern.format(place).translate(_PLAIN)


def _soften(name: str, language: str) -> str:
    plain = name.translate(_PLAIN)
    is_english = fold_code(language).partition("-")[0] == ENGLISH
    return plain.replace(" Time", " time") if is_english else plain


def _keeps_typical_time(zone: str, year: int) -> bool:
    """Whether the clocks are those of the place that the zone's name calls to mind."""
    typical = _TYPICAL.get(get_global("meta_zones").get(zone, ""), zone)
    halves = (datetime(year, month, 1, 12, tzinfo=UTC) for month in (1, 7))
    return not any(differs(half, typical, (zone,)) for half in halves)


@lru_cache(maxsize=1)
def _read_places() -> dict[str, str]:
    rows = read_rows("streams.templates", "place_clocks.tsv")
    return {zone: place for zone, place, _source in rows}
