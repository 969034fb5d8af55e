"""A case as what was said of it adds up: all that has arrived, in the order in which it was
decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from schemas.case_event import RecipeChange

LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Party:
    present: bool = False
    added_at: datetime = LONG_AGO
    role: str = ""
    role_at: datetime = LONG_AGO
    number: str | None = None
    reminders: bool = True
    resumed_at: datetime | None = None
    """When their reminders were last switched on that had been off."""


@dataclass(frozen=True)
class Event:
    event_id: str
    title: str = ""
    type: str | None = None
    starts_at: str = ""
    zone: str = ""
    location: str | None = None
    reminders: tuple[str, ...] = ()
    saved_at: datetime = LONG_AGO
    canceled: bool = True


@dataclass(frozen=True)
class Task:
    task_id: str
    known_at: datetime = LONG_AGO
    template: str = ""
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    time: str | None = None
    event_id: str | None = None
    offset: str | None = None
    canceled: bool = True


@dataclass
class Matter:
    title: str = ""
    zone: str = ""
    launched: datetime | None = None
    closed: bool = False
    reopened_at: datetime | None = None
    parties: dict[str, Party] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    recipes: dict[str, RecipeChange] = field(default_factory=dict)


def fold(changes: Iterable[Any], zone: str) -> Matter:
    """`zone`: the tenant's."""
    matter = Matter(zone=zone)
    for change in sorted(changes, key=lambda one: (one.at, one.change_id)):
        _STEPS[change.type](matter, change)
    return matter


def _open(matter: Matter, change: Any) -> None:
    matter.title = change.title
    matter.zone = change.time_zone or matter.zone


def _launch(matter: Matter, change: Any) -> None:
    matter.launched = matter.launched or change.at


def _close(matter: Matter, change: Any) -> None:
    closed = change.type == "case_closed"
    if matter.closed and not closed:
        matter.reopened_at = change.at
    matter.closed = closed


def _settle(matter: Matter, change: Any) -> None:
    for person_id, is_on in change.reminders.items():
        before = matter.parties.get(person_id, Party())
        resumed = change.at if is_on and not before.reminders else before.resumed_at
        after = replace(before, reminders=is_on, resumed_at=resumed)
        matter.parties[person_id] = after
    matter.recipes.update(change.recipes)


def _party(matter: Matter, change: Any) -> None:
    before = matter.parties.get(change.person_id, Party())
    match change.type:
        case "party_added":
            after = replace(
                before,
                present=True,
                added_at=change.at,
                role=change.role,
                role_at=change.at,
                number=change.number,
            )
        case "party_changed":
            after = before
            if change.role is not None:
                after = replace(after, role=change.role, role_at=change.at)
            if change.number is not None:
                after = replace(after, number=change.number or None)
        case _:
            after = replace(before, present=False, added_at=change.at)
    matter.parties[change.person_id] = after


def _event(matter: Matter, change: Any) -> None:
    matter.events[change.event_id] = Event(
        change.event_id,
        change.title,
        change.event_type,
        change.starts_at,
        change.time_zone or matter.zone,
        change.location,
        change.reminders,
        change.at,
        canceled=False,
    )


def _no_event(matter: Matter, change: Any) -> None:
    before = matter.events.get(change.event_id, Event(change.event_id))
    matter.events[change.event_id] = replace(before, canceled=True)


def _task(matter: Matter, change: Any) -> None:
    when = change.when
    matter.tasks[change.task_id] = Task(
        change.task_id,
        change.at,
        change.template,
        change.audience.roles,
        change.audience.person_ids,
        when.time,
        when.event_id,
        when.offset,
        canceled=False,
    )


def _no_task(matter: Matter, change: Any) -> None:
    before = matter.tasks.get(change.task_id, Task(change.task_id))
    matter.tasks[change.task_id] = replace(before, canceled=True)


_STEPS = {
    "case_opened": _open,
    "launched": _launch,
    "case_closed": _close,
    "case_reopened": _close,
    "case_settings": _settle,
    "party_added": _party,
    "party_changed": _party,
    "party_removed": _party,
    "event_saved": _event,
    "event_canceled": _no_event,
    "task_scheduled": _task,
    "task_canceled": _no_task,
}
