"""How long a text waits for what it lacks, wherever it waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

HOLD_LIMIT: Final = timedelta(days=30)
"""A request without `valid_until` waits this long, from when it came or from its `not_before`."""


def add_clamped(moment: datetime, by: timedelta) -> datetime:
    """A producer may write a time near the end of the calendar."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def hold_deadline(
    received: datetime, not_before: datetime | None, valid_until: datetime | None
) -> datetime:
    """A text scheduled for later is only late from then on."""
    limit = add_clamped(received if not_before is None else max(received, not_before), HOLD_LIMIT)
    return limit if valid_until is None else min(limit, valid_until)
