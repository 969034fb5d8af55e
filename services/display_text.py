"""Values as people see them in a line of text: times, and control characters made visible."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

VISIBLE: Final = {
    code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"
} | dict.fromkeys(range(0x7F, 0xA0), 0xFFFD)
"""For `str.translate`.  A terminal would obey control characters, and anybody may have written the
text: who approves a text must see all of it."""
ON_ONE_LINE: Final = VISIBLE | {ord(sign): 0x2400 + ord(sign) for sign in "\t\n"}


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
