"""A calendar of a case's events: six weeks of days, or a week of half hours. Each event stands at
the day and the time of the clock at its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.case import CaseCalendarEvent

WEEK: Final = timedelta(days=7)
WEEKS: Final = 6
STEP: Final = 4 * WEEK
FIRST_HOUR: Final = 8
LAST_HOUR: Final = 18
"""Hours that a week shows anyway; further ones where an event needs them."""
HALF: Final = 30
"""Minutes of a slot."""
_OLDEST: Final = date(1900, 1, 1)
_NEWEST: Final = date(2200, 1, 1)


class View(StrEnum):
    WEEKS = "weeks"
    WEEK = "week"


class Cell(NamedTuple):
    """Where an event can be dropped."""

    day: date
    clock: str | None
    """`09:30`; empty for the whole day; None: the event keeps its own."""
    events: tuple[CaseCalendarEvent, ...]


class Row(NamedTuple):
    label: str
    """The time of a week's row; empty for the whole day."""
    cells: tuple[Cell, ...]


class EventCalendar(NamedTuple):
    view: View
    first: date
    """A Monday."""
    rows: tuple[Row, ...]
    before: date
    after: date

    @property
    def last(self) -> date:
        return self.rows[-1].cells[-1].day

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(cell.day for cell in self.rows[0].cells)


def lay_out(events: Iterable[CaseCalendarEvent], view: View, around: date) -> EventCalendar:
    """The week that has the day `around`, or six weeks that begin a week before that."""
    around = min(max(around, _OLDEST), _NEWEST)
    held = sorted((one for one in events if not one.canceled), key=lambda one: one.starts_at)
    by_day: dict[date, list[CaseCalendarEvent]] = {}
    for one in held:
        by_day.setdefault(date.fromisoformat(one.starts_at[:10]), []).append(one)
    monday = around - timedelta(days=around.weekday())
    if view is View.WEEK:
        rows = _rows_of_week(monday, by_day)
        return EventCalendar(view, monday, rows, monday - WEEK, monday + WEEK)
    first = monday - WEEK
    rows = tuple(_row_of_days(first + n * WEEK, by_day) for n in range(WEEKS))
    return EventCalendar(view, first, rows, monday - STEP, monday + STEP)


def _row_of_days(monday: date, by_day: dict[date, list[CaseCalendarEvent]]) -> Row:
    return Row("", tuple(Cell(day, None, tuple(by_day.get(day, ()))) for day in _week_from(monday)))


def _rows_of_week(monday: date, by_day: dict[date, list[CaseCalendarEvent]]) -> tuple[Row, ...]:
    days = _week_from(monday)
    shown = {day: by_day.get(day, []) for day in days}
    timed = [one for events in shown.values() for one in events if not one.all_day]
    hours = [int(_clock(one)[:2]) for one in timed]
    clocks = [
        f"{hour:02}:{minute:02}"
        for hour in range(min([FIRST_HOUR, *hours]), max([LAST_HOUR, *hours]) + 1)
        for minute in range(0, 60, HALF)
    ]

    def row(clock: str) -> Row:
        return Row(clock, tuple(Cell(day, clock, _at(shown[day], clock)) for day in days))

    return (row(""), *map(row, clocks))


def _week_from(monday: date) -> list[date]:
    return [monday + timedelta(days=n) for n in range(7)]


def _at(events: Sequence[CaseCalendarEvent], clock: str) -> tuple[CaseCalendarEvent, ...]:
    return tuple(one for one in events if _slot(one) == clock)


def _slot(event: CaseCalendarEvent) -> str:
    if event.all_day:
        return ""
    clock = _clock(event)
    return f"{clock[:2]}:{int(clock[3:5]) // HALF * HALF:02}"


def _clock(event: CaseCalendarEvent) -> str:
    return event.starts_at[11:16]
