"""Days on which staff read what came in: Mondays to Fridays, without US federal holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from holidays import country_holidays

_SATURDAY: Final = 5
_A_DAY: Final = timedelta(days=1)
_OPENS: Final = time(9)
_CLOSES: Final = time(17)


def add_business_days(at: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of day, so many business days later, by the clocks of `zone`.

    What comes on another day counts from the start of the next business day."""
    local = at.astimezone(zone).replace(tzinfo=None)
    if not is_business_day(local.date()):
        local = datetime.combine(_next_business_day(local.date()), time())
    day = local.date()
    for _ in range(days):
        day = _next_business_day(day)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def add_working_hours(at: datetime, hours: int, zone: tzinfo) -> datetime:
    """So many hours later, of those in which staff work: 9 to 17 on business days, by the clocks of
    `zone`."""
    local = at.astimezone(zone).replace(tzinfo=None)
    left = timedelta(hours=hours)
    while True:
        if not is_business_day(local.date()) or local.time() >= _CLOSES:
            local = datetime.combine(_next_business_day(local.date()), _OPENS)
        local = max(local, datetime.combine(local.date(), _OPENS))
        room = datetime.combine(local.date(), _CLOSES) - local
        if left <= room:
            return (local + left).replace(tzinfo=zone).astimezone(UTC)
        left -= room
        local += room


def is_business_day(day: date) -> bool:
    return day.weekday() < _SATURDAY and day not in _federal_holidays(day.year)


def _next_business_day(day: date) -> date:
    day += _A_DAY
    while not is_business_day(day):
        day += _A_DAY
    return day


@lru_cache(maxsize=16)
def _federal_holidays(year: int) -> frozenset[date]:
    """With the days on which they are observed (PyPI `holidays`)."""
    return frozenset(country_holidays("US", years=year))
