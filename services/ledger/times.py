"""Times as producers write them, and days as tenants count them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, TypeAdapter, ValidationError

from schemas.wire_types import to_utc

ENDLESS: Final = 1 << 62
"""Milliseconds: later than any time."""
_TIME: Final = TypeAdapter[datetime](Annotated[AwareDatetime, AfterValidator(to_utc)])
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def parse_time(written: Any) -> datetime:
    """In UTC. The ledger keeps records unchanged, so a time may have any offset. Earlier versions
    also took seconds since 1970. What is not a time sorts before all others."""
    try:
        return _TIME.validate_python(written)
    except ValidationError:
        return _BEGINNING


def rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def midnight_ms(day: date, zone: tzinfo) -> int:
    """When that day begins in that zone, in milliseconds since 1970; +-ENDLESS beyond the
    calendar's ends."""
    try:
        return round(datetime.combine(day, time.min, zone).timestamp() * 1000)
    except OverflowError:
        return ENDLESS if day.year > 1970 else -ENDLESS


def add_days(day: date, days: int) -> date | None:
    """None beyond the end of the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def span_ms(since: date | None, until: date | None, zone: tzinfo) -> tuple[int, int]:
    """From the first midnight to the one after the last day."""
    first = midnight_ms(since, zone) if since else -ENDLESS
    after = add_days(until, 1) if until else None
    return first, midnight_ms(after, zone) if after else ENDLESS
