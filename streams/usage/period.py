"""Which day a message belongs to, and until when that day may change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from streams.processing import Settings

OPEN: Final = timedelta(days=45)
"""So long after a day its messages may still change: held for at most 30 days, then sent, then silent for 72 hours.  A
message that has not changed for so long is forgotten."""


def zone_of(tenant: str, settings: Settings) -> tzinfo:
    known = settings.tenants.get(tenant)
    return UTC if known is None else known.zone


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The tenant's local day; at the ends of the calendar, where there is none, the one in UTC."""
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()


def closes(day: date, zone: tzinfo) -> datetime | None:
    """None where the calendar ends before."""
    try:
        midnight = datetime.combine(day, time.min, zone) + timedelta(days=1) + OPEN
        return midnight.astimezone(UTC)
    except OverflowError:
        return None
