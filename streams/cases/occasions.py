"""The event or named date that a text is about."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from streams.calendar.instants import instant_of
from streams.cases.draft import Draft
from streams.cases.state import DATES, EVENTS, DateEntry, EventEntry, TaskEntry


class Occasion(NamedTuple):
    event_id: str | None
    """None: a named date."""
    title: str
    starts_at: str
    """As written."""
    zone: str
    at: datetime
    event_type: str | None = None
    location: str | None = None


def occasion_of_event(draft: Draft, event_id: str, event: EventEntry) -> Occasion:
    zone = event.time_zone or draft.zone
    return Occasion(
        event_id,
        event.title,
        event.starts_at,
        zone,
        instant_of(event.starts_at, zone),
        event.event_type,
        event.location,
    )


def occasion_of_date(draft: Draft, name: str, written: str) -> Occasion:
    return Occasion(None, name, written, draft.zone, instant_of(written, draft.zone))


def occasion_of_task(draft: Draft, task: TaskEntry) -> Occasion | None:
    """The one that its time counts from."""
    if task.when.event_id is not None:
        event = draft.get(f"{EVENTS}{task.when.event_id}", EventEntry)
        if event is None or event.saved is None or event.canceled:
            return None
        return occasion_of_event(draft, task.when.event_id, event)
    if task.when.date_name is not None:
        entry = draft.get(f"{DATES}{task.when.date_name}", DateEntry)
        if entry is not None and entry.date is not None:
            return occasion_of_date(draft, task.when.date_name, entry.date)
    return None


def begins_at(draft: Draft, anchor: str) -> datetime | None:
    """When an event or a date begins; None: a task, or nothing yet."""
    entry = draft.anchor(anchor)
    if isinstance(entry, EventEntry) and entry.saved is not None:
        return instant_of(entry.starts_at, entry.time_zone or draft.zone)
    if isinstance(entry, DateEntry) and entry.date is not None:
        return instant_of(entry.date, draft.zone)
    return None
