"""How long and how much: the gate's numbers, each with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

STALE_AFTER: Final = timedelta(days=7)
"""A request that reaches the gate later than this after it was made is refused: nobody expects that text any more."""

AHEAD_AT_MOST: Final = timedelta(days=1)
"""A request made further in the future than this comes from a wrong clock or in a wrong unit."""

HOLD_LIMIT: Final = timedelta(days=30)
"""A request without `valid_until` waits this long, from when it came or from its `not_before`."""

ORDER_LIFE: Final = timedelta(hours=36)
"""What has not left by then comes back for judgement: time for a night's queue, and well before dispatch, which
remembers ids for 72 h, hands back on its own (48 h)."""

BODY_AT_MOST: Final = 1600
"""Characters in one text: Twilio's limit (error 21617)."""

WORDS_AT_MOST: Final = 4_000
"""Characters in all of a request's or number fact's fields but the text: a row must stay under 64 kB."""

EVIDENCE_AT_MOST: Final = 20_000
"""Characters of one field of evidence that are kept; the record itself stands where the log says."""

SENDERS_AT_MOST: Final = 200
"""Senders one number may have been texted from: all of them hear of its STOP."""

RELEASE_AT_ONCE: Final = 500
"""Held requests judged in one step; what more there is follows at once, row by row."""


def later(moment: datetime, by: timedelta) -> datetime:
    """A producer may write a time near the end of the calendar."""
    latest = datetime.max.replace(tzinfo=moment.tzinfo)
    return moment + by if moment <= latest - by else latest
