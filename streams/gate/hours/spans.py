"""Hours by several local clocks at once, as spans of UTC.

A span begins when the last of the zones has opened and ends when the first closes.  Clocks that go forward or back
are seen to by the zones' own rules: each local day's opening and closing are converted for themselves.  A time that
the clock shows twice or skips is taken the strict way: opened by the later, closed by the earlier reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, reduce
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from streams.gate.hours.hours import Hours

SEARCHED: Final = (3, 16)
"""Days ahead: most find the next opening soon; a Sunday among holidays takes longer."""


class Span(NamedTuple):
    """[start, end) in UTC."""

    start: datetime
    end: datetime


def span_at(zones: tuple[str, ...], hours: Hours, moment: datetime) -> Span | None:
    """The span that `moment` (UTC) is in, else the next one; None: these zones have no such hour in common."""
    for span in _spans(zones, hours, moment.toordinal()):
        if moment < span.end:
            return span
    return None


@lru_cache(maxsize=1 << 13)
def _spans(zones: tuple[str, ...], hours: Hours, day: int) -> tuple[Span, ...]:
    """All that matter to a moment of this day (UTC): those of the day, and one that begins after it."""
    over = datetime.combine(date.fromordinal(day), datetime.min.time(), UTC) + timedelta(days=1)
    for ahead in SEARCHED:
        found = _common(zones, hours, day, ahead)
        if any(span.start >= over or span.end > over + timedelta(days=1) for span in found):
            break
    return tuple(found)


def _common(zones: tuple[str, ...], hours: Hours, day: int, ahead: int) -> list[Span]:
    days = [date.fromordinal(each) for each in range(day - 1, day + ahead)]
    return reduce(_meet, (_joined(_local(ZoneInfo(zone), hours, days)) for zone in zones))


def _local(zone: ZoneInfo, hours: Hours, days: list[date]) -> Iterator[Span]:
    for day in days:
        if (open_ := hours.on(day)) is not None:
            start, end = (_readings(day, minute, zone) for minute in open_)
            if max(start) < min(end):
                yield Span(max(start), min(end))


def _readings(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    clock = datetime.combine(day, datetime.min.time(), zone) + timedelta(minutes=minute)
    return clock.astimezone(UTC), clock.replace(fold=1).astimezone(UTC)


def _joined(spans: Iterator[Span]) -> list[Span]:
    """One that ends at midnight goes on in one that begins there."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined


def _meet(some: list[Span], others: list[Span]) -> list[Span]:
    met = (Span(max(a.start, b.start), min(a.end, b.end)) for a in some for b in others)
    return [span for span in met if span.start < span.end]
