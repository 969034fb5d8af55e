"""Hours of the day by a local clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from streams.gate.hours.holidays import is_holiday

Minutes = tuple[int, int]
"""From and until, in minutes since local midnight; until is too late."""

SATURDAY, SUNDAY = 5, 6
MIDNIGHT = 24 * 60


@dataclass(frozen=True, eq=False, slots=True)
class Hours:
    """When a text may go; None: not on that day.  `closed_on` are the states on whose holidays none may.

    There is one of each (those who make them remember them), so they are compared and hashed by identity, which costs
    nothing 10,000 times a second.
    """

    weekdays: Minutes | None
    saturday: Minutes | None
    sunday: Minutes | None
    closed_on: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """Of a weekday, for people."""
        return " and ".join(f"{at // 60:02}:{at % 60:02}" for at in self.weekdays or ())

    def on(self, day: date) -> Minutes | None:
        if self.closed_on and is_holiday(day, self.closed_on):
            return None
        weekday = day.weekday()
        return (
            self.sunday
            if weekday == SUNDAY
            else self.saturday
            if weekday == SATURDAY
            else self.weekdays
        )


@cache
def daily(start: str, end: str) -> Hours | None:
    """The same on every day, from `HH:MM` until `HH:MM`; None: all day."""
    span = (minutes(start), minutes(end))
    return None if span == (0, MIDNIGHT) else Hours(span, span, span)


def minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


@cache
def both(one: Hours, other: Hours) -> Hours:
    """Only when both allow it."""
    return Hours(
        _both(one.weekdays, other.weekdays),
        _both(one.saturday, other.saturday),
        _both(one.sunday, other.sunday),
        one.closed_on | other.closed_on,
    )


def _both(one: Minutes | None, other: Minutes | None) -> Minutes | None:
    if one is None or other is None:
        return None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None
