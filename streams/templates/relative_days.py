"""Today, tomorrow, Tuesday: words that are true for a while, on the recipient's calendar.

Where a recipient may be in several zones, or an event's date is another one on their clock, nobody
can say which day "tomorrow" is.  Then the text names the day.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.calendar.instants import A_DAY, MIDNIGHT, read_clock
from streams.templates.languages import find_language
from streams.templates.moments import Moment, write_day, write_weekday

_DAYS_OF_A_WEEK: Final = 7


class Words(NamedTuple):
    text: str
    true_until: datetime | None = None
    """From then on they are false, in UTC; None: they stay true."""


def name_relative_day(
    moment: Moment, language: str, zones: tuple[str, ...], now: datetime
) -> Words:
    """Today or tomorrow; the weekday within a week; else, as of what is past, the day by its date.

    `zones`: where the recipient may be."""
    distances = [(moment.day - now.astimezone(ZoneInfo(zone)).date()).days for zone in zones]
    nearest, farthest = min(distances), max(distances)
    if nearest == farthest and _is_same_day(moment, zones):
        words = find_language(language)
        if near := {0: words.today, 1: words.tomorrow}.get(nearest):
            return Words(near, _end_of(moment.day - nearest * A_DAY, zones))
    if nearest >= 1 and farthest < _DAYS_OF_A_WEEK:
        return name_weekday(moment, language, zones, now)
    return Words(write_day(moment.day, language, moment.zone))


def name_weekday(moment: Moment, language: str, zones: tuple[str, ...], now: datetime) -> Words:
    """People take it for the next such day, so it is true until the day is over.  Of a day that is
    past, nothing changes any more."""
    end = _end_of(moment.day, zones)
    return Words(write_weekday(moment.day, language, moment.zone), end if now < end else None)


def _is_same_day(moment: Moment, zones: tuple[str, ...]) -> bool:
    """Whether the event has its own date on the recipient's clock, too."""
    at = moment.at
    return at is None or all(at.astimezone(ZoneInfo(zone)).date() == moment.day for zone in zones)


def _end_of(day: date, zones: tuple[str, ...]) -> datetime:
    """Where the day ends first."""
    return min(read_clock(day + A_DAY, MIDNIGHT, zone) for zone in zones)
