"""Bars of messages by day and state, as SVG: it needs no script, prints well, and has a table
beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from services.ledger.usage import DayCount
from streams.lifecycle import STATE_INFO, Group, State

WIDTH: Final = 960
HEIGHT: Final = 220
AXIS: Final = 40
"""Pixels at the left, for numbers."""
FOOT: Final = 24
"""Pixels below, for days."""
MOST_DAYS: Final = 400
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


class Piece(NamedTuple):
    band: Band
    number: int
    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    day: date
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
    totals: Mapping[Band, int]


def count_days(counts: Iterable[DayCount]) -> dict[date, dict[Band, int]]:
    found: dict[date, dict[Band, int]] = defaultdict(lambda: dict.fromkeys(Band, 0))
    for one in counts:
        found[one.day][find_band(one.state)] += one.messages
    return dict(found)


def draw_chart(counts: Mapping[date, Mapping[Band, int]], first: date, last: date) -> Chart:
    """Every day from first to last, also those without a message."""
    days = [first + timedelta(days=one) for one in range((last - first).days + 1)][:MOST_DAYS]
    top = _round_up(max((sum(counts.get(day, {}).values()) for day in days), default=0))
    step = (WIDTH - AXIS) / max(len(days), 1)
    every = -(-len(days) // _LABELS)
    bars = tuple(
        _bar(day, counts.get(day, {}), AXIS + at * step, step, top, is_named=at % every == 0)
        for at, day in enumerate(days)
    )
    lines = tuple(GridLine(HEIGHT - HEIGHT * part / 4, top * part // 4) for part in range(5))
    totals = {band: sum(day.get(band, 0) for day in counts.values()) for band in Band}
    return Chart(bars, lines, totals)


def _bar(
    day: date, counts: Mapping[Band, int], x: float, step: float, top: int, *, is_named: bool
) -> Bar:
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
    return Bar(day, tuple(pieces), sum(counts.values()), label, x + step / 2)


def _round_up(most: int) -> int:
    """To a number whose quarters are whole: 4, 8, 20, 40, 80, 200, 400 ..."""
    scale = 4
    while True:
        for factor in (1, 2, 5):
            if scale * factor >= most:
                return scale * factor
        scale *= 10
