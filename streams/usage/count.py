"""What one message adds to its cell."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from schemas.outcome import Outcome, Was
from streams.step import Settings
from streams.usage.price import PAID, price_of
from streams.usage.rows import Counts

MOST: Final = 10_000
"""Segments of one message: no text has so many, and no row may hold a number without bounds."""


class Counted(NamedTuple):
    counts: Counts
    currency: str | None


def counted(outcome: Outcome, said: Outcome | Was, day: date, settings: Settings) -> Counted:
    """`said`: the version that is counted, this one or the one before.  A message keeps its day, and so its price."""
    segments, billed = _whole(said.segments), said.segments_billed
    predicted = segments if said.segments_predicted is None else _whole(said.segments_predicted)
    tally = Counts(segments=segments, predicted=predicted, billed=_whole(billed or 0))
    if said.state not in PAID:
        return Counted(tally, None)
    price = price_of(outcome.tenant, outcome.sender, outcome.to, day, settings)
    if price is None:
        return Counted(tally.model_copy(update={"unpriced": segments}), None)
    costs = {"estimated": predicted * price.micros, "cost": segments * price.micros}
    return Counted(tally.model_copy(update=costs), price.currency)


def _whole(segments: int) -> int:
    """A producer of outcomes may write anything."""
    return max(-MOST, min(segments, MOST))
