"""Events of a calendar from elsewhere, whatever kind of file they came in."""

from __future__ import annotations

from typing import NamedTuple


class CalendarItem(NamedTuple):
    """One event, or one instance of a series."""

    place: str
    """Where it is in the file, for people."""
    event_id: str
    title: str
    starts_at: str
    """As `schemas.wall_time` has it."""
    time_zone: str | None = None
    """None: the case's."""
    event_type: str | None = None
    location: str | None = None
    sequence: int = 0
    canceled: bool = False
    case: str | None = None
    """The id or the reference of its case, where the file says it."""
    words: str = ""
    """Where a case may be named, for those that are matched."""


class Series(NamedTuple):
    """What recurs.  An instance that the file does not have any more is canceled."""

    prefix: str
    """Of the event ids of its instances."""
    sequence: int


class LeftOut(NamedTuple):
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class CalendarFile(NamedTuple):
    items: tuple[CalendarItem, ...]
    left_out: tuple[LeftOut, ...]
    series: tuple[Series, ...] = ()
    passed: int = 0
    """How many are over, or too far ahead: nobody is reminded of them."""
