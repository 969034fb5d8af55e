"""Times as producers write them, and days as tenants have them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.base import UtcTime

ENDLESS: Final = 1 << 62
"""Milliseconds: later than any time."""
_TIME: Final = TypeAdapter[datetime](UtcTime)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def moment(written: Any) -> datetime:
    """In UTC.  A record is kept as it came: with another offset, or in seconds since 1970.  What is no time at all is
    before all others."""
    try:
        return _TIME.validate_python(written)
    except ValidationError:
        return _BEGINNING


def rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def midnight(day: date, zone: tzinfo) -> int:
    """When that day begins there, in milliseconds since 1970; beyond the calendar's ends without end."""
    try:
        return round(datetime.combine(day, time.min, zone).timestamp() * 1000)
    except OverflowError:
        return ENDLESS if day.year > 1970 else -ENDLESS


def later(day: date, days: int) -> date | None:
    """None where the calendar ends before."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None
