"""Bars of messages by day or week, and by state, as SVG: it needs no script, prints well, and has a
table beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from streams.lifecycle import STATE_INFO, Group, State

WIDTH: Final = 960
HEIGHT: Final = 220
AXIS: Final = 40
"""Pixels at the left, for numbers."""
FOOT: Final = 24
"""Pixels below, for days."""
MOST_BARS: Final = 400
MOST_DAYS: Final = 100
"""A longer period has a bar for each week: more bars than these nobody tells apart."""
WEEK: Final = 7
_LABELS: Final = 12
"""Days that are written below the bars, at most."""


class Band(StrEnum):
    """What a part of a bar stands for, from the bottom up."""

    ARRIVED = "arrived"
    ON_THE_WAY = "on_the_way"
    WAITING = "waiting"
    FAILED = "failed"
    NOT_SENT = "not_sent"


_ARRIVED: Final = frozenset({State.DELIVERED, State.READ})
_FAILED: Final = frozenset({State.FAILED, State.UNDELIVERED})
_OF_GROUP: Final = {
    Group.WAITING: Band.WAITING,
    Group.NOT_SENT: Band.NOT_SENT,
    Group.REFUSED: Band.FAILED,
    Group.OUT: Band.ON_THE_WAY,
}


@cache
def find_band(state: str) -> Band:
    """A state of a newer version counts as on the way."""
    if state not in set(State):
        return Band.ON_THE_WAY
    known = State(state)
    if known in _ARRIVED:
        return Band.ARRIVED
    return Band.FAILED if known in _FAILED else _OF_GROUP[STATE_INFO[known].group]


_NOTHING: Final = dict.fromkeys(Band, 0)


class Piece(NamedTuple):
    band: Band
    number: int
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    day: date
    until: date
    """Its last day."""
    pieces: tuple[Piece, ...]
    total: int
    label: str
    """Empty where there is no room."""
    middle: float


class GridLine(NamedTuple):
    """Of the grid."""

    y: float
    number: int


class Chart(NamedTuple):
    bars: tuple[Bar, ...]
    lines: tuple[GridLine, ...]
    is_weekly: bool
    totals: Mapping[Band, int]


def count_days(counts: Mapping[date, Mapping[str, int]]) -> dict[date, dict[Band, int]]:
    """`counts`: by state."""
    found = {}
    for day, states in counts.items():
        bands = found[day] = _NOTHING.copy()
        for state, messages in states.items():
            bands[find_band(state)] += messages
    return found


def draw_chart(counts: Mapping[date, Mapping[Band, int]], first: date, last: date) -> Chart:
    """Every day from first to last, or every week, also those without a message."""
    length = (last - first).days + 1
    each = 1 if length <= MOST_DAYS else WEEK
    starts = [first + timedelta(days=at) for at in range(0, length, each)][:MOST_BARS]
    spans = [(start, min(start + timedelta(days=each - 1), last)) for start in starts]
    held = [_sum_days(counts, *span) for span in spans]
    top = _round_up(max((sum(one.values()) for one in held), default=0))
    step = (WIDTH - AXIS) / max(len(spans), 1)
    every = -(-len(spans) // _LABELS)
    bars = tuple(
        _bar(span, one, AXIS + at * step, step, top, is_named=at % every == 0)
        for at, (span, one) in enumerate(zip(spans, held, strict=True))
    )
    lines = tuple(GridLine(HEIGHT - HEIGHT * part / 4, top * part // 4) for part in range(5))
    totals = {band: sum(day.get(band, 0) for day in counts.values()) for band in Band}
    return Chart(bars, lines, each == WEEK, totals)


def _sum_days(
    counts: Mapping[date, Mapping[Band, int]], first: date, last: date
) -> Mapping[Band, int]:
    if first == last:
        return counts.get(first, {})
    found = dict.fromkeys(Band, 0)
    for at in range((last - first).days + 1):
        for band, number in counts.get(first + timedelta(days=at), {}).items():
            found[band] += number
    return found


def _bar(
    days: tuple[date, date],
    counts: Mapping[Band, int],
    x: float,
    step: float,
    top: int,
    *,
    is_named: bool,
) -> Bar:
    day, until = days
    pieces = []
    y = float(HEIGHT)
    gap = min(step * 0.2, 6)
    for band in Band:
        count = counts.get(band, 0)
        if count:
            height = HEIGHT * count / top
            y -= height
            pieces.append(Piece(band, count, x + gap / 2, y, step - gap, height))
    label = f"{day.day} {day:%b}" if is_named else ""
    return Bar(day, until, tuple(pieces), sum(counts.values()), label, x + step / 2)


def _round_up(most: int) -> int:
    """To a number whose quarters are whole: 4, 8, 20, 40, 80, 200, 400 ..."""
    scale = 4
    while True:
        for factor in (1, 2, 5):
            if scale * factor >= most:
                return scale * factor
        scale *= 10
