"""Read a calendar file (iCalendar, RFC 5545).

UID, RECURRENCE-ID and SEQUENCE are an event's identity and version.  A moved instance keeps the
identity of the time that it was moved from, so it is there once.  A cancelled one is an event like
any other.  Series are unrolled for 400 days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import recurring_ical_events
from icalendar import Calendar
from pydantic import TypeAdapter, ValidationError

from schemas.base import Slug
from schemas.case_event import TITLE
from schemas.time_zones import is_place
from schemas.visible_text import ON_ONE_LINE
from schemas.wall_time import write_alike
from services.operations.calendar_items import CalendarFile, CalendarItem, LeftOut, Series
from services.operations.errors import InvalidRequest

HORIZON: Final = timedelta(days=400)
"""A tenant's calendar changes; what is further ahead is read by a later import."""
INSTANCES_AT_MOST: Final = 10_000
BYTES_AT_MOST: Final = 32 << 20
UID_AT_MOST: Final = 90
"""Characters of a UID that is kept as it is; a longer one is hashed."""
_RECURS: Final = ("RRULE", "RDATE", "RECURRENCE-ID")
_NEEDED: Final = (*_RECURS, "DTSTART", "DTEND", "DURATION", "EXDATE", "UID", "SUMMARY")
"""What must be readable, where it is there."""
_ONCE: Final = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "UID", "SUMMARY")
_FAULTS: Final = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What the libraries raise for files that are no calendars."""
_SLUG: Final = TypeAdapter[str](Slug)


def read_ics(path: Path, now: datetime, zone: str | None, event_type: str | None) -> CalendarFile:
    """`zone`: of times without one; left out, those are refused.  `event_type`: of all; left out,
    the first category of each.  Raises InvalidRequest."""
    calendar = _parse(path)
    events = list(calendar.walk("VEVENT"))
    recurring = {
        _uid(event) for event in events if any(name in event for name in _RECURS) and _uid(event)
    }
    reading = _IcsReading(recurring, zone, event_type)
    for event in events:
        if fault := _find_fault(event):
            reading.refuse(event, fault)
            _take_out(calendar, event)
    for count, occurrence in enumerate(_unroll(path, calendar, now)):
        if count == INSTANCES_AT_MOST:
            raise InvalidRequest(
                f"{path}: more than {INSTANCES_AT_MOST:,} events in {HORIZON.days} days",
                "no case has so many: look for a series that never ends",
            )
        reading.take(occurrence)
    series = [
        Series(_prefix(uid), max(_sequence(event) for event in events if _uid(event) == uid))
        for uid in sorted(recurring)
    ]
    passed = len({_uid(event) for event in events} - reading.seen)
    return CalendarFile(tuple(reading.items), tuple(reading.left_out), tuple(series), passed)


def _parse(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > BYTES_AT_MOST:
        raise InvalidRequest(f"{path} has more than {BYTES_AT_MOST >> 20} MB")
    try:
        calendar = Calendar.from_ical(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} cannot be read: it is not UTF-8 text") from None
    except _FAULTS as error:
        raise InvalidRequest(f"{path}: this is no calendar file: {_first_line(error)}") from None
    if calendar.name != "VCALENDAR":
        raise InvalidRequest(f"{path}: this is no calendar file: it does not begin with VCALENDAR")
    return calendar


def _take_out(component: Any, event: Any) -> None:
    """It may stand inside of another event, where none belongs."""
    component.subcomponents[:] = [one for one in component.subcomponents if one is not event]
    for one in component.subcomponents:
        _take_out(one, event)


def _unroll(path: Path, calendar: Any, now: datetime) -> Iterator[Any]:
    """In the order of time, until the horizon."""
    try:
        query = recurring_ical_events.of(calendar, skip_bad_series=True)
        for event in query.after(now):
            if _as_instant(event["DTSTART"].dt) >= now + HORIZON:
                return
            yield event
    except _FAULTS as error:
        raise InvalidRequest(f"{path}: its series cannot be read: {_first_line(error)}") from None


class _IcsReading:
    """Events as they are found, and what cannot be used."""

    def __init__(self, recurring: set[str], zone: str | None, event_type: str | None) -> None:
        self._recurring = recurring
        self._zone = zone
        self._type = event_type
        self.items: list[CalendarItem] = []
        self.left_out: list[LeftOut] = []
        self.seen = set[str]()

    def refuse(self, event: Any, why: str) -> None:
        self.left_out.append(LeftOut(_place(event), why))
        self.seen.add(_uid(event))

    def take(self, event: Any) -> None:
        uid = _uid(event)
        self.seen.add(uid)
        start = event["DTSTART"].dt
        written, zone = _write_time(start, self._zone)
        if written is None:
            named = event["DTSTART"].params.get("TZID")
            why = f"its time zone {named!r} is no place" if named else "it has no time zone"
            if not any(one.place == _place(event) for one in self.left_out):
                self.left_out.append(LeftOut(_place(event), f"{why}: say --zone"))
            return
        categories = event.get("CATEGORIES")
        first = str(categories.cats[0]) if categories is not None and categories.cats else None
        text = " ".join(str(event.get(name, "")) for name in ("SUMMARY", "DESCRIPTION", "LOCATION"))
        self.items.append(
            CalendarItem(
                place=_place(event),
                event_id=self._name(event),
                title=_cut(event.get("SUMMARY")) or "(no title)",
                starts_at=write_alike(written),
                time_zone=zone,
                event_type=self._type or _cut(first),
                location=_cut(event.get("LOCATION")),
                sequence=_sequence(event),
                canceled=str(event.get("STATUS", "")).upper() == "CANCELLED",
                words=text,
            )
        )

    def _name(self, event: Any) -> str:
        uid = _uid(event)
        if uid not in self._recurring:
            return _name_uid(uid)
        moved_from = event.get("RECURRENCE-ID", event["DTSTART"]).dt
        return _prefix(uid) + _write_identity(moved_from)


def _write_time(start: date, zone: str | None) -> tuple[str | None, str | None]:
    """As `schemas.wall_time` has it, and its place; None: nobody knows which clock is meant."""
    if not isinstance(start, datetime):
        return start.isoformat(), zone
    clock = start.isoformat(timespec="minutes" if start.second == 0 else "seconds")
    if start.tzinfo is None:
        return (clock, zone) if zone is not None else (None, None)
    place = getattr(start.tzinfo, "key", None)
    if isinstance(place, str) and is_place(place):
        return start.replace(tzinfo=None).isoformat(timespec="minutes"), place
    return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"), zone


def _write_identity(moved_from: date) -> str:
    """The same however the file writes it."""
    if not isinstance(moved_from, datetime):
        return f"{moved_from:%Y%m%d}"
    if moved_from.tzinfo is None:
        return f"{moved_from:%Y%m%dT%H%M%S}"
    return f"{moved_from.astimezone(UTC):%Y%m%dT%H%M%S}Z"


def _prefix(uid: str) -> str:
    return f"{_name_uid(uid)}."


def _name_uid(uid: str) -> str:
    try:
        return _SLUG.validate_python(uid) if len(uid) <= UID_AT_MOST else _hash(uid)
    except ValidationError:
        return _hash(uid)


def _hash(uid: str) -> str:
    return f"ics-{hashlib.sha256(uid.encode()).hexdigest()[:16]}"


def _find_fault(event: Any) -> str:
    """Why it cannot be used; empty: it can."""
    broken = [name for name, _ in event.errors if name in _NEEDED]
    if broken:
        return f"its {broken[0]} cannot be read"
    if "DTSTART" not in event:
        return "it has no start"
    if twice := [name for name in _ONCE if isinstance(event.get(name), list)]:
        return f"it has two {twice[0]}"
    return "" if _uid(event) else "it has no UID"


def _uid(event: Any) -> str:
    return str(event.get("UID", "")).strip()


def _sequence(event: Any) -> int:
    try:
        return min(max(int(event.get("SEQUENCE", 0)), 0), 2**31)
    except (ValueError, TypeError):
        return 0


def _place(event: Any) -> str:
    title = _cut(event.get("SUMMARY")) or "(no title)"
    return f"event {title[:60]!r}, UID {_uid(event)[:60]!r}"


def _cut(written: Any) -> str | None:
    found = " ".join(str(written or "").split())
    return found[:TITLE] or None


def _as_instant(start: date) -> datetime:
    """For a comparison with the horizon: a floating time may be hours away."""
    if not isinstance(start, datetime):
        return datetime(start.year, start.month, start.day, tzinfo=UTC)
    return start.replace(tzinfo=UTC) if start.tzinfo is None else start


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120].translate(ON_ONE_LINE)
