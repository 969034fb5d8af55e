"""How long and how much: the gate's numbers, each with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

STALE_AFTER: Final = timedelta(days=7)
"""A request that reaches the gate later than this after it was made is refused: nobody expects that text any more."""

AHEAD_AT_MOST: Final = timedelta(days=1)
"""A request made further in the future than this comes from a wrong clock or in a wrong unit."""

ORDER_LIFE: Final = timedelta(hours=36)
"""What has not left by then comes back for judgement: time for a night's queue, and well before dispatch, which
remembers ids for 72 h, hands back on its own (48 h)."""

WORDS_AT_MOST: Final = 4_000
"""Characters in all of a request's or number fact's fields but the text: a row must stay under 64 kB."""

EVIDENCE_AT_MOST: Final = 20_000
"""Characters of one field of evidence that are kept; the record itself stands where the log says."""

SENDERS_AT_MOST: Final = 200
"""Senders one number may have been texted from: all of them hear of its STOP."""

ASK_EVERY: Final = timedelta(hours=24)
"""From one opt-in request to the next, per number, counted from when the order is issued."""

ASK_LIFE: Final = timedelta(hours=1)
"""An opt-in request that has not left by then comes back and is issued anew, so that the 24 hours are those between the
texts and not only between the orders."""

ASKS_BY_ITSELF: Final = 3
"""Opt-in requests that go out without anybody's word: one, and two more if those before have failed."""

HELP_EVERY: Final = timedelta(minutes=5)
"""From one answer to HELP to the next, per number: two machines must not keep each other talking."""

RELEASE_AT_ONCE: Final = 500
"""Held requests judged in one step; what more there is follows at once, row by row."""
