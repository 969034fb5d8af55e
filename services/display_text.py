"""Times as people read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def format_utc(written: str) -> str:
    """`2026-11-21T12:00:09.123Z` → `2026-11-21 12:00:09.1`."""
    try:
        return datetime.fromisoformat(written).strftime("%Y-%m-%d %H:%M:%S.%f")[:21]
    except ValueError:
        return written


def format_local(written: str, zone: str) -> str:
    """`2026-11-21 07:00:09`, by the clocks of that zone; empty where there is no such time."""
    try:
        there = datetime.fromisoformat(written).astimezone(ZoneInfo(zone))
        return there.strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError, KeyError):
        return ""
