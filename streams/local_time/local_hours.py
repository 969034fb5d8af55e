"""Hours of the day by local clocks, and what they are in UTC: the tenant's, and what US states
demand of marketing.

A text may be sent when the clocks of every zone that its recipient may be in allow it.  So a span
of UTC begins when the last zone opens and ends when the first closes.  Clock changes are the zones'
own business: each local day's opening and closing are converted by themselves.  A time that a clock
shows twice, or skips, is read the strict way: opening is the later reading, closing the earlier.

The states' table is data: `data/marketing.csv`, with the law each line comes from.  Where its
sources conflict, the strict one counts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, reduce
from importlib.resources import files
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from holidays import country_holidays

Minutes = tuple[int, int]
"""From and until, in minutes since local midnight; until is too late."""

SATURDAY = 5
SUNDAY = 6
MIDNIGHT = 24 * 60

SEARCHED: Final = (3, 16)
"""Days that are searched for the next span, or the last: most need few, a Sunday among holidays
needs more."""


@dataclass(frozen=True, eq=False, slots=True)
class Hours:
    """When a text may be sent; None: not on that day.

    Instances are cached, so identity comparison is enough.  It costs nothing, 10,000 times a
    second.
    """

    weekdays: Minutes | None
    saturday: Minutes | None
    sunday: Minutes | None
    closed_on: frozenset[str] = frozenset()
    """States on whose holidays no text may be sent."""

    @property
    def words(self) -> str:
        """Those of a weekday, for people."""
        return " and ".join(f"{at // 60:02}:{at % 60:02}" for at in self.weekdays or ())

    def on(self, day: date) -> Minutes | None:
        if self.closed_on and is_holiday(day, self.closed_on):
            return None
        weekday = day.weekday()
        if weekday == SUNDAY:
            return self.sunday
        return self.saturday if weekday == SATURDAY else self.weekdays


@cache
def daily_hours(start: str, end: str) -> Hours | None:
    """The same on every day, from `HH:MM` until `HH:MM`; None: all day."""
    span = (parse_clock(start), parse_clock(end))
    return None if span == (0, MIDNIGHT) else Hours(span, span, span)


def parse_clock(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@cache
def intersect(one: Hours, other: Hours) -> Hours:
    """The hours that both allow."""
    return Hours(
        _intersect(one.weekdays, other.weekdays),
        _intersect(one.saturday, other.saturday),
        _intersect(one.sunday, other.sunday),
        one.closed_on | other.closed_on,
    )


def _intersect(one: Minutes | None, other: Minutes | None) -> Minutes | None:
    if one is None or other is None:
        return None
    start = max(one[0], other[0])
    end = min(one[1], other[1])
    return (start, end) if start < end else None


def is_holiday(day: date, states: Iterable[str]) -> bool:
    """Whether one of these US states has a public holiday, or observes one, on that day (PyPI
    `holidays`)."""
    return any(day in _holidays(state, day.year) for state in states)


@lru_cache(maxsize=1 << 10)
def _holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(country_holidays("US", subdiv=state, years=year))


# --- spans of UTC


class Span(NamedTuple):
    """[start, end) in UTC."""

    start: datetime
    end: datetime


def span_at(zones: tuple[str, ...], hours: Hours, moment: datetime) -> Span | None:
    """The span that `moment` (UTC) is in, else the next one; None: these zones have no such hour
    in common."""
    for span in _spans(zones, hours, moment.toordinal()):
        if moment < span.end:
            return span
    return None


@lru_cache(maxsize=1 << 13)
def _spans(zones: tuple[str, ...], hours: Hours, day: int) -> tuple[Span, ...]:
    """All that a moment of this day (UTC) needs: those of the day, and one that begins after it."""
    over = datetime.combine(date.fromordinal(day), datetime.min.time(), UTC) + timedelta(days=1)
    for ahead in SEARCHED:
        found = _common_spans(zones, hours, day - 1, day + ahead)
        if any(span.start >= over or span.end > over + timedelta(days=1) for span in found):
            break
    return tuple(found)


def span_before(zones: tuple[str, ...], hours: Hours, moment: datetime) -> Span | None:
    """The last span that has ended by `moment` (UTC); None: there was none lately."""
    day = moment.toordinal()
    for back in SEARCHED:
        found = _common_spans(zones, hours, day - back, day + 2)
        over = [span for span in found if span.end <= moment]
        if len(over) > 1:  # the first may have begun on a day that was not looked at
            return over[-1]
    return None


def _common_spans(zones: tuple[str, ...], hours: Hours, first: int, end: int) -> list[Span]:
    """Of the local days from `first` until before `end`."""
    days = [date.fromordinal(each) for each in range(first, end)]
    return reduce(_overlaps, (_merge(_zone_spans(ZoneInfo(zone), hours, days)) for zone in zones))


def _zone_spans(zone: ZoneInfo, hours: Hours, days: list[date]) -> Iterator[Span]:
    for day in days:
        if (allowed := hours.on(day)) is not None:
            start, end = (_readings(day, minute, zone) for minute in allowed)
            if max(start) < min(end):
                yield Span(max(start), min(end))


def _readings(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The two moments that a local time can mean when the clock is set back; else the same one
    twice."""
    clock = datetime.combine(day, datetime.min.time(), zone) + timedelta(minutes=minute)
    return clock.astimezone(UTC), clock.replace(fold=1).astimezone(UTC)


def _merge(spans: Iterator[Span]) -> list[Span]:
    """One that ends at midnight continues in one that begins there."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].end == span.start:
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def _overlaps(some: list[Span], others: list[Span]) -> list[Span]:
    both = (Span(max(a.start, b.start), min(a.end, b.end)) for a in some for b in others)
    return [span for span in both if span.start < span.end]


# --- what US states demand of marketing

FEDERAL: Final = "US-FED"
"""The line for states that have none of their own."""


class StateRules(NamedTuple):
    hours: Hours
    per_day: int | None
    """Texts about one subject in 24 hours.  We cannot tell subjects apart, so all of them count."""
    law: str


@cache
def state_rules(country: str, state: str) -> StateRules | None:
    """None: abroad, where none of these laws applies.  Without a location the strictest of all
    states apply."""
    if country not in ("US", ""):
        return None
    return STATE_RULES.get(state, STATE_RULES[FEDERAL]) if state else strictest_rules()


@cache
def strictest_rules() -> StateRules:
    """Mondays to Fridays 10:00 to 18:00, Saturdays until 17:00, no Sunday, no holiday, three a
    day."""
    caps = [rules.per_day for rules in STATE_RULES.values() if rules.per_day is not None]
    hours = reduce(intersect, (rules.hours for rules in STATE_RULES.values()))
    return StateRules(hours, min(caps), "the strictest of all states, as theirs is not known")


def _parse_rules(row: dict[str, str]) -> StateRules:
    days = (_parse_span(row["mon_fri"]), _parse_span(row["sat"]), _parse_span(row["sun"]))
    closed = frozenset() if row["holidays"] == "allowed" else frozenset({row["state"]})
    cap = row["max_per_24h_same_subject"]
    return StateRules(Hours(*days, closed), int(cap) if cap else None, row["citation"])


def _parse_span(written: str) -> Minutes | None:
    start, _, end = written.partition("-")
    return (parse_clock(start), parse_clock(end)) if end else None


def _read_rules() -> dict[str, StateRules]:
    lines = files(__package__).joinpath("data", "marketing.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["state"]: _parse_rules(row) for row in rows}


STATE_RULES: Final = _read_rules()
