"""Where an event stands in a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

from schemas.case import CaseCalendarEvent
from services.console.event_calendar import EventCalendar, View, lay_out


def event(name: str, starts_at: str, *, canceled: bool = False) -> CaseCalendarEvent:
    return CaseCalendarEvent(
        event_id=name,
        title=name,
        starts_at=starts_at,
        time_zone="America/New_York",
        at=datetime(2027, 3, 2, 14, tzinfo=UTC),
        all_day="T" not in starts_at,
        canceled=canceled,
    )


def places(calendar: EventCalendar) -> dict[str, tuple[date, str | None]]:
    return {
        one.event_id: (cell.day, cell.clock)
        for row in calendar.rows
        for cell in row.cells
        for one in cell.events
    }


def test_six_weeks_begin_a_week_before() -> None:
    held = [event("a", "2027-03-02T09:15"), event("b", "2027-03-31"), event("far", "2027-04-12")]
    found = lay_out(
        [*held, event("gone", "2027-03-02", canceled=True)], View.WEEKS, date(2027, 3, 9)
    )
    assert (found.first, found.last) == (date(2027, 3, 1), date(2027, 4, 11))
    assert (found.before, found.after) == (date(2027, 2, 8), date(2027, 4, 5))
    assert places(found) == {"a": (date(2027, 3, 2), None), "b": (date(2027, 3, 31), None)}


def test_a_week_has_half_hours_and_as_many_as_it_needs() -> None:
    held = [event("early", "2027-03-02T06:45"), event("late", "2027-03-07T21:00")]
    found = lay_out([*held, event("day", "2027-03-03")], View.WEEK, date(2027, 3, 4))
    assert places(found) == {
        "day": (date(2027, 3, 3), ""),
        "early": (date(2027, 3, 2), "06:30"),
        "late": (date(2027, 3, 7), "21:00"),
    }
    assert [row.label for row in found.rows][:2] == ["", "06:00"]
    assert found.rows[-1].label == "21:30"


def test_far_away_there_is_a_calendar_too() -> None:
    for view in View:
        for day in (date.min, date.max):
            assert not places(lay_out([event("a", "2027-03-02")], view, day))
