"""What the clock alone makes of a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from streams.lifecycle import CLOCK, LEFT, MEANINGS, STRENGTH, State
from streams.outcomes.attempts import merged
from streams.outcomes.state import Life, Report
from streams.outcomes.story import Story, story

SILENCE: Final = timedelta(hours=72)
"""After so long without a last word from the carrier we say that we do not know (AWS does the same)."""
REMEMBERED: Final = timedelta(days=35)
"""A message is forgotten so long after the last thing that was said of it, once nothing more is expected, or if no
decision on it ever came; later receipts are then remembered for as long, and nothing is made of them."""
_SILENT: Final = frozenset({State.ACCEPTED, State.SENT})


def silent_at(story: Story) -> datetime | None:
    """When the provider's silence is over-long: counted from the moment it had the text."""
    state, at, reports, _ = story
    if at is None or state not in _SILENT:
        return None
    return min(r.at for r in reports if STRENGTH[r.source, r.word] >= LEFT) + SILENCE


def next_wake(known: Story | None, now: datetime) -> datetime:
    """To the hour where it is only about forgetting: of the timers of one hour one is kept, and not five."""
    silent = silent_at(known) if known is not None else None
    return silent or (now + REMEMBERED).replace(minute=0, second=0, microsecond=0) + timedelta(
        hours=1
    )


def presumed(life: Life, now: datetime) -> Life:
    """With the clock's own report, if it is time."""
    known = story(life)
    at = silent_at(known) if known is not None else None
    if known is None or known.at is None or at is None or now < at:
        return life
    silence = Report(source=CLOCK, word="72 h", at=at)
    reports = merged(life.attempts[known.at.number], silence)
    return life.model_copy(update={"attempts": {**life.attempts, known.at.number: reports}})


def forgettable(life: Life) -> bool:
    known = story(life)
    return known is None or MEANINGS[known.state].final or known.state is State.UNKNOWN
