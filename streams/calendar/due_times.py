"""When a text is due that has an offset from an event, a date or another moment.

Days and weeks are dates on the calendar: "3 days before" a hearing at 9:00 is 9:00, three dates
earlier, whatever the clocks did in between.  Minutes and hours are elapsed time: "72 hours before"
may be at 8:00 or at 10:00.  Both use the clock of the event, never the recipient's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.offsets import Distance, Unit, parse_offset
from schemas.wall_time import parse_wall_time
from streams.calendar.instants import A_DAY, is_day_of, read_clock

WHOLE_DAY_CLOCK: Final = time(9)
"""A whole day has no hour of its own: texts about it count from 9:00."""

_MINUTES: Final = {Unit.MINUTE: 1, Unit.HOUR: 60}
_DAYS: Final = {Unit.DAY: 1, Unit.WEEK: 7}


class _Anchor(NamedTuple):
    """What an offset counts from, on the clock of its zone."""

    day: date
    clock: time
    at: datetime
    """The instant, in UTC."""


def due_at(
    anchor: str | date | datetime, zone: str, offset: str, clock: str | None = None
) -> datetime:
    """In UTC.

    `anchor`: an event's time as written, a named date, or an instant such as a launch.  `clock`
    (`HH:MM`, 24:00 is the end of the day) replaces the anchor's own time of day.  It means nothing
    for minutes and hours.

    A date that the zone left out (Samoa: 2011-12-30) is passed over in the direction of the offset.
    One day before the 31st is then the 29th, so no reminder comes at or after its event."""
    start = _read_anchor(anchor, zone)
    distance = parse_offset(offset)
    if not distance.unit.is_calendar:
        return start.at + timedelta(minutes=distance.amount * _MINUTES[distance.unit])
    if distance.amount == 0 and clock is None:
        return start.at  # also of a time shown twice, where the second was meant
    day = _find_day(start.day, distance, zone)
    if clock is None:
        return read_clock(day, start.clock, zone)
    if clock == "24:00":
        return read_clock(day + A_DAY, time(), zone)
    return read_clock(day, time.fromisoformat(clock), zone)


def _find_day(day: date, distance: Distance, zone: str) -> date:
    found = day + timedelta(days=distance.amount * _DAYS[distance.unit])
    step = -A_DAY if distance.amount < 0 else A_DAY
    while not is_day_of(found, zone):
        found += step
    return found


def _read_anchor(anchor: str | date | datetime, zone: str) -> _Anchor:
    if isinstance(anchor, datetime):
        return _read_instant(anchor, zone)
    if isinstance(anchor, str):
        day, clock, instant = parse_wall_time(anchor)
        if instant is not None:
            return _read_instant(instant, zone)
    else:
        day, clock = anchor, None
    clock = clock or WHOLE_DAY_CLOCK
    return _Anchor(day, clock, read_clock(day, clock, zone))


def _read_instant(instant: datetime, zone: str) -> _Anchor:
    local = instant.astimezone(ZoneInfo(zone))
    return _Anchor(local.date(), local.time(), instant.astimezone(UTC))


def latest_useful(event_at: datetime, margin_minutes: int) -> datetime:
    """From then on a reminder is of no use: nobody could still act on it.

    `event_at`: see `end_of_use`."""
    return event_at - timedelta(minutes=margin_minutes)
