"""Which instant a written time is.

A clock that is set forward skips times; one that is set back shows some twice.  A skipped time
moves forward by what was skipped: 02:30 becomes 03:30.  Of a time shown twice, the first counts.
That is what RFC 5545 (section 3.3.5) says of calendars.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.wall_time import parse_wall_time

MIDNIGHT: Final = time()
NOON: Final = time(12)
A_DAY: Final = timedelta(days=1)


def instant_of(starts_at: str, zone: str) -> datetime:
    """In UTC.  A time with an offset is that instant, whatever the zone.  A whole day begins at
    its 00:00.

    A day that a zone left out (Samoa: 2011-12-30) becomes the next one, at the same clock time.
    Raises ValueError if `starts_at` is no time (see `schemas.wall_time`)."""
    day, clock, instant = parse_wall_time(starts_at)
    return read_clock(day, clock or MIDNIGHT, zone) if instant is None else instant.astimezone(UTC)


def is_all_day(starts_at: str) -> bool:
    return parse_wall_time(starts_at).clock is None


def end_of_use(starts_at: str, zone: str) -> datetime:
    """Until when it helps to be reminded: the start of an event, the end of a whole day.  A text
    on the morning of a filing date is of use."""
    written = parse_wall_time(starts_at)
    if written.clock is None:
        return read_clock(written.day + A_DAY, MIDNIGHT, zone)
    return instant_of(starts_at, zone)


@lru_cache(maxsize=1 << 12)
def read_clock(day: date, clock: time, zone: str) -> datetime:
    """The instant, in UTC, at which clocks of `zone` show this.

    With `fold=0`, zoneinfo reads a skipped time by the offset before the change, and a repeated
    one as its first (PEP 495): the rules above."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def is_day_of(day: date, zone: str) -> bool:
    """False: the zone's clocks never showed this date."""
    return read_clock(day, NOON, zone).astimezone(ZoneInfo(zone)).date() == day
