"""Clocks that differ.

A fact may be older than now by any time: it lay in a backlog.  It cannot be newer; if its append time is, this clock or
the broker's is wrong, and nothing that depends on the time can be judged.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from streams.gate.state import NumberRow

ALLOWED: Final = timedelta(seconds=5)
SKEWED: Final = "the clocks of this worker and of the broker differ by more than 5 seconds: nothing timed is judged"


def behind(row: NumberRow, now: datetime) -> datetime | None:
    """The append time of the latest consent fact, if this clock has not come near it yet."""
    heard = datetime.fromtimestamp(row.heard_ms / 1000, UTC)
    return heard if heard - now > ALLOWED else None
