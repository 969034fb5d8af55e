"""Instants and due times equal those of somebody who watches the zone's clock, minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.calendar.due_times import due_at
from streams.calendar.instants import instant_of

CHANGES = {
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "Asia/Kolkata": ("2026-03-08",),
    "Europe/Dublin": ("2026-03-29", "2026-10-25"),
    "Pacific/Apia": ("2011-09-24", "2011-12-30", "2012-04-01"),
    "Africa/Cairo": ("2026-04-24", "2026-10-29"),
}
"""Days near which something happens, where anything does."""
A_MINUTE = timedelta(minutes=1)
A_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def watched(zone: str, middle: date) -> tuple[tuple[datetime, datetime], ...]:
    """What the clock shows in each minute of UTC of the days around."""
    start = datetime.combine(middle, time(), UTC) - 2 * A_DAY
    minutes = (start + n * A_MINUTE for n in range(4 * 1440))
    return tuple((at, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for at in minutes)


def watch_for(wall: datetime, zone: str) -> datetime:
    """The first minute that shows `wall`.  If none does, as long after the jump as `wall` is after
    the time that would have come then."""
    seen = watched(zone, wall.date())
    found = next((at for at, shown in seen if shown == wall), None)
    if found is not None:
        return found
    before = next(n for n, (_, shown) in enumerate(seen) if shown > wall) - 1
    at, shown = seen[before]
    return at + (wall - shown)


def is_ever_shown(day: date, zone: str) -> bool:
    return any(shown.date() == day for _, shown in watched(zone, day))


@st.composite
def walls(draw: st.DrawFn) -> tuple[str, datetime]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    day = date.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    day += draw(st.integers(-1, 1)) * A_DAY
    minute = draw(st.integers(0, 300) | st.integers(0, 1439))
    return zone, datetime.combine(day, time()) + minute * A_MINUTE


@given(walls())
@settings(max_examples=60)
def test_an_instant_is_what_the_clock_showed(drawn: tuple[str, datetime]) -> None:
    zone, wall = drawn
    assert instant_of(f"{wall:%Y-%m-%dT%H:%M}", zone) == watch_for(wall, zone)


@given(
    walls(),
    st.integers(0, 30),
    st.sampled_from([("day", 1), ("week", 7)]),
    st.sampled_from(["before", "after"]),
    st.none() | st.times().map(lambda each: each.replace(second=0, microsecond=0, fold=0)),
)
@example(("Pacific/Apia", datetime(2011, 12, 31, 9)), 1, ("day", 1), "before", None)
@example(("Pacific/Apia", datetime(2012, 1, 6, 9)), 1, ("week", 7), "before", time(8))
@settings(max_examples=60)
def test_days_are_dates_on_that_clock(
    drawn: tuple[str, datetime], count: int, unit: tuple[str, int], way: str, clock: time | None
) -> None:
    zone, wall = drawn
    step = A_DAY if way == "after" else -A_DAY
    day = wall.date() + count * unit[1] * step
    if count:
        day = next(each for each in days_from(day, step) if is_ever_shown(each, zone))
    expected = watch_for(datetime.combine(day, clock or wall.time()), zone)
    hour = f"{clock:%H:%M}" if clock else None
    written = f"{wall:%Y-%m-%dT%H:%M}"
    assert due_at(written, zone, f"{count} {unit[0]}s {way}", hour) == expected


def days_from(day: date, step: timedelta) -> Iterator[date]:
    while True:
        yield day
        day += step


@given(walls(), st.integers(0, 200), st.sampled_from([("minute", 1), ("hour", 60)]))
@settings(max_examples=40)
def test_hours_are_elapsed(drawn: tuple[str, datetime], count: int, unit: tuple[str, int]) -> None:
    zone, wall = drawn
    due = due_at(f"{wall:%Y-%m-%dT%H:%M}", zone, f"{count} {unit[0]}s before")
    assert watch_for(wall, zone) - due == timedelta(minutes=count * unit[1])


@given(walls(), st.integers(1, 30))
@settings(max_examples=60)
def test_a_reminder_comes_before_its_event(drawn: tuple[str, datetime], count: int) -> None:
    zone, wall = drawn
    written = f"{wall:%Y-%m-%dT%H:%M}"
    assert due_at(written, zone, f"{count} days before") < instant_of(written, zone)
