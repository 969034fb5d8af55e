"""What one message adds to its cell."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from schemas.outcome import Outcome, Was
from streams.processing import Settings
from streams.usage.price import PAID, price_of

MOST: Final = 10_000
"""Segments of one message: no text has so many, and no row may hold a number without bounds."""


class Sums(NamedTuple):
    """What is summed up in a cell, as `Counts` has it: there they are kept, here they are reckoned with."""

    segments: int = 0
    predicted: int = 0
    billed: int = 0
    estimated: int = 0
    cost: int = 0
    unpriced: int = 0


class Counted(NamedTuple):
    sums: Sums
    currency: str | None


def counted(outcome: Outcome, said: Outcome | Was, day: date, settings: Settings) -> Counted:
    """`said`: the version that is counted, this one or the one before.  A message keeps its day, and so its price."""
    segments, billed = _whole(said.segments), said.segments_billed
    predicted = segments if said.segments_predicted is None else _whole(said.segments_predicted)
    sums = Sums(segments, predicted, _whole(billed or 0))
    if said.state not in PAID:
        return Counted(sums, None)
    price = price_of(outcome.tenant, outcome.sender, outcome.to, day, settings)
    if price is None:
        return Counted(sums._replace(unpriced=segments), None)
    costs = sums._replace(estimated=predicted * price.micros, cost=segments * price.micros)
    return Counted(costs, price.currency)


def _whole(segments: int) -> int:
    """A producer of outcomes may write anything."""
    return max(-MOST, min(segments, MOST))
