"""Times as people there write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
A_WEEK: Final = timedelta(days=7)


@lru_cache(1000)
def zone_named(name: str) -> tzinfo | None:
    """None for what is no zone: a producer may write anything."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """At the ends of the calendar, where there is no such local time, the one in UTC."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.astimezone(UTC)


def clock(local: datetime) -> str:
    """`9:00`"""
    return f"{local.hour}:{local.minute:02}"


def day(local: datetime, today: datetime) -> str:
    """`Tuesday`, if that can only be the next one; else `Tuesday 1 December`."""
    name = DAYS[local.weekday()]
    ahead = local.date() - today.date()
    return (
        name if timedelta(0) <= ahead < A_WEEK else f"{name} {local.day} {MONTHS[local.month - 1]}"
    )
