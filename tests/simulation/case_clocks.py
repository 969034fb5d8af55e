"""Clocks as somebody reads them off: no calendar of the product's, only `zoneinfo`.

Everything happens at a quarter of an hour, so trying them all is cheap."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NINE = time(9)
FAR = 26 * HOUR
"""No clock is farther from UTC, and no change of one is longer."""


class Habits(NamedTuple):
    """How English is written where a zone is."""

    clock: str
    """What people there call their time."""
    day_first: bool = False
    time: str = "AM"


HABITS = {
    "America/New_York": Habits("Eastern time"),
    "America/Los_Angeles": Habits("Pacific time"),
    "America/Phoenix": Habits("Arizona time"),
    "America/St_Johns": Habits("Newfoundland time", time="a.m."),
    "Europe/Berlin": Habits("Central European time", day_first=True, time=""),
    "Australia/Sydney": Habits("Australian Eastern time", day_first=True, time="am"),
    "Australia/Lord_Howe": Habits("Lord Howe time", day_first=True, time="am"),
    "Asia/Kolkata": Habits("Kolkata time", day_first=True),
    "Asia/Kathmandu": Habits("Kathmandu time"),
    "Pacific/Apia": Habits("West Samoa time", day_first=True, time="am"),
}


def local(at: datetime, zone: str) -> datetime:
    """What a clock there shows, without its zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=1 << 14)
def shown(wall: datetime, zone: str) -> datetime:
    """The first quarter of an hour, in UTC, at which clocks there show this.  If none does, as long
    after the jump as it is after the time that would have come then."""
    first = wall.replace(tzinfo=UTC) - FAR
    quarters = [first + n * QUARTER for n in range(int(2 * FAR / QUARTER))]
    before = quarters[0]
    for at in quarters:
        there = local(at, zone)
        if there == wall:
            return at
        if there > wall and local(before, zone) < wall:
            return before + (wall - local(before, zone))
        before = at
    raise AssertionError(f"{zone} never shows {wall}")


@lru_cache(maxsize=1 << 12)
def is_ever_shown(day: date, zone: str) -> bool:
    noon = datetime.combine(day, time(12))
    return local(shown(noon, zone), zone).date() == day


class Written(NamedTuple):
    """An event's time, as it was written."""

    day: date
    """As it was written."""
    clock: time | None
    at: datetime
    date: date
    """As the clock at its place shows it: another one, if it left that day out."""
    end: datetime
    """Until when it helps to be reminded."""


@lru_cache(maxsize=1 << 12)
def read(starts_at: str, zone: str) -> Written:
    if len(starts_at) == 10:
        day = date.fromisoformat(starts_at)
        midnight = datetime.combine(day, time())
        return Written(day, None, shown(midnight, zone), day, shown(midnight + DAY, zone))
    found = datetime.fromisoformat(starts_at)
    at = found.astimezone(UTC) if found.tzinfo else shown(found, zone)
    wall = local(at, zone) if found.tzinfo else found
    return Written(wall.date(), wall.time(), at, local(at, zone).date(), at)


def due(starts_at: str, zone: str, offset: str, clock: str | None = None) -> datetime:
    count, unit, way = offset.split()
    step = int(count) * (1 if way == "after" else -1)
    event = read(starts_at, zone)
    if unit.startswith(("minute", "hour")):
        start = shown(datetime.combine(event.day, NINE), zone) if event.clock is None else event.at
        return start + step * (HOUR if unit.startswith("hour") else HOUR / 60)
    if step == 0 and clock is None and event.clock is not None:
        return event.at
    day = event.day + step * (7 if unit.startswith("week") else 1) * DAY
    while not is_ever_shown(day, zone):
        day += DAY if way == "after" else -DAY
    hour = time.fromisoformat(clock) if clock else event.clock or NINE
    return shown(datetime.combine(day, hour), zone)


def latest_use(due_at: datetime, end: datetime, offset: str, margin: int) -> datetime:
    if offset.endswith("after") and not offset.startswith("0 "):
        return due_at + 2 * DAY
    half = due_at + (end - due_at) / 2 if end > due_at else due_at
    return max(end - margin * HOUR / 60, half)


# --- quiet hours


@lru_cache(maxsize=1 << 16)
def is_open(at: datetime, zone: str) -> bool:
    return 8 <= local(at, zone).hour < 21


def leaves(due_at: datetime, latest: datetime, zone: str, now: datetime) -> datetime | None:
    """When it goes that is due then and of no use from `latest` on; None: never."""
    start = max(due_at, now)
    if start >= latest:
        return None
    at = start
    while at < latest:
        if is_open(at, zone):
            return at
        at = next_quarter(at)
    at = _quarter_before(start)
    while not is_open(at, zone):
        at -= QUARTER
    return max(at, now) if now < at + QUARTER else None


def next_quarter(at: datetime) -> datetime:
    return _floor(at) + QUARTER


def _quarter_before(at: datetime) -> datetime:
    return _floor(at) if at > _floor(at) else at - QUARTER


def _floor(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


# --- words


def write_time(at: datetime, zone: str, reader: str) -> str:
    """Whose clock it is, where the reader's shows another time."""
    there = local(at, zone)
    style = HABITS[zone].time
    if not style:
        words = f"{there:%H:%M}"
    else:
        half = style if there.hour < 12 else style.replace("a", "p").replace("A", "P")
        words = f"{(there.hour - 1) % 12 + 1}:{there:%M} {half}"
    return words if local(at, reader) == there else f"{words} {HABITS[zone].clock}"


def write_date(day: date, zone: str) -> str:
    if HABITS[zone].day_first:
        return f"{day.day} {day:%B %Y}"
    return f"{day:%B} {day.day}, {day.year}"


class Relative(NamedTuple):
    words: str
    until: datetime | None
    """When they turn false; None: never."""


def write_relative(event: Written, reader: str, now: datetime) -> Relative:
    """`reader`: the zone of who reads it."""
    today = local(now, reader).date()
    distance = (event.date - today).days
    is_theirs = event.clock is None or local(event.at, reader).date() == event.date
    if is_theirs and distance in (0, 1):
        return Relative(("today", "tomorrow")[distance], _midnight_after(today, reader))
    if 1 <= distance < 7:
        return Relative(f"{event.date:%A}", _midnight_after(event.date, reader))
    return Relative(f"{event.date:%A, %B} {event.date.day}", None)


def _midnight_after(day: date, zone: str) -> datetime:
    return shown(datetime.combine(day + DAY, time()), zone)
