"""When a text leaves that is due at some time and of no use after another.

Quiet hours may hold a text until it is of no use: a reminder due at 5:00, an appointment at 7:00.
Then it goes before them, at the end of the hours that precede.  Otherwise it waits for the next
opening.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.tenant_settings import TenantSettings
from streams.local_time.local_hours import Hours, Span, span_at, span_before
from streams.local_time.locations import Zones, locate
from streams.local_time.open_hours import open_hours_for

BEFORE_CLOSING: Final = timedelta(minutes=15)
"""A text that goes before quiet hours leaves so early that a queue does not carry it into them."""


class Windows(NamedTuple):
    """The hours in which a text may reach its recipient."""

    zones: Zones
    """Where they may be: it has to be open in all of them."""
    hours: Hours | None
    """None: all of the day."""

    def find(self, moment: datetime) -> Span | None:
        """The one that `moment` is in, else the next; None: there is none."""
        return None if self.hours is None else span_at(self.zones, self.hours, moment)

    def find_before(self, moment: datetime) -> Span | None:
        """The last that has closed by `moment`."""
        return None if self.hours is None else span_before(self.zones, self.hours, moment)


class DepartureReason(StrEnum):
    WHEN_DUE = "when_due"
    OVERDUE = "overdue"
    """It was due before now: it goes at once."""
    AFTER_QUIET_HOURS = "after_quiet_hours"
    """It waits for the next opening."""
    BEFORE_QUIET_HOURS = "before_quiet_hours"
    """The next opening would be too late."""
    NO_OPEN_HOURS = "no_open_hours"
    """The zones that they may be in have no hour in common: the gate says what to do."""


class Departure(NamedTuple):
    at: datetime
    """In UTC; never before now."""
    reason: DepartureReason


def windows_for(
    number: str,
    time_zone: str | None,
    postal_region: str | None,
    tenant: TenantSettings | None,
    kind: str,
) -> Windows:
    """As the gate computes them.  `number` is in E.164; zone and region are what is on record of
    the person, or what the request says."""
    location = locate(number, (time_zone,), (postal_region,))
    return Windows(location.zones, open_hours_for(tenant, kind, location))


def plan_departure(
    due: datetime, latest: datetime, windows: Windows, now: datetime
) -> Departure | None:
    """None: it is too late; nothing goes at `latest` or after it.

    All times are in UTC.  Ask again when something changes, or when the time has come: a person who
    has moved may have other hours."""
    start = max(due, now)
    if start >= latest:
        return None
    reason = DepartureReason.WHEN_DUE if due >= now else DepartureReason.OVERDUE
    if windows.hours is None:
        return Departure(start, reason)
    window = windows.find(start)
    if window is None:
        return Departure(start, DepartureReason.NO_OPEN_HOURS)
    if window.start <= start:
        return Departure(start, reason)
    if window.start < latest:
        return Departure(window.start, DepartureReason.AFTER_QUIET_HOURS)
    return _leave_before(windows.find_before(start), now)


def _leave_before(window: Span | None, now: datetime) -> Departure | None:
    if window is None or window.end <= now:
        return None
    at = max(window.start, window.end - BEFORE_CLOSING, now)
    return Departure(at, DepartureReason.BEFORE_QUIET_HOURS)
