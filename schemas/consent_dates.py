"""Which dates and words can prove a consent, and which were only filled in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

FIRST_TEXT: Final = datetime(1992, 12, 3, tzinfo=UTC)
"""The first text message was sent on this day (Vodafone, "Merry Christmas")."""
PLACEHOLDERS: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC))
"""What systems fill in for no date: the turn of the century, and the epoch of Apple's clocks.
Others (1900, 1904, 1970, 1980, 9999) are before the first text or in the future."""
_ZONES: Final = timedelta(hours=14)
"""A local midnight is at most this far from the one in UTC."""
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clock that wrote a date may be ahead of ours."""
AHEAD_AT_MOST: Final = timedelta(days=1)
"""The same for a producer, whose clock nobody can look at: it may be in another time zone."""

_NOTHING: Final = frozenset(
    {
        *("", "na", "n a", "none", "no", "nil", "null", "nan", "unknown", "unk", "undefined"),
        *("tbd", "tba", "todo", "pending", "missing", "empty", "blank", "x", "xx", "xxx", "test"),
        *("not available", "not applicable", "not known", "no proof", "without proof", "ref"),
        *("yes", "y", "true", "ok", "default", "placeholder", "dummy", "example", "value"),
    }
)


def why_no_proof(at: datetime, now: datetime, ahead: timedelta = timedelta()) -> str:
    """Why nobody can have consented then; empty: they can.

    `ahead`: how far another clock may be before ours."""
    if at < FIRST_TEXT:
        return "is before text messaging existed"
    if at - now > ahead:
        return "is in the future"
    if any(abs(at - filled_in) <= _ZONES for filled_in in PLACEHOLDERS):
        return "is a placeholder and no proof"
    return ""


def is_placeholder(words: str) -> bool:
    """Whether words that should name a proof name nothing."""
    return re.sub(r"[\W_]+", " ", words.casefold()).strip() in _NOTHING
