"""How large a case may be, and which changes cannot be.  What is refused has the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from schemas.case_event import (
    CaseSettings,
    DateSet,
    EventCanceled,
    EventSaved,
    PartyAdded,
    PartyChanged,
    PartyRemoved,
    TaskCanceled,
    TaskChanged,
    TaskScheduled,
)
from schemas.wall_time import EARLIEST_YEAR
from streams.cases.draft import Draft
from streams.cases.state import (
    DATES,
    EVENTS,
    PARTIES,
    RECIPES,
    TASKS,
    party_name,
)

MAX_PARTIES: Final = 20_000
MAX_TASKS: Final = 2_000
MAX_EVENTS: Final = 2_000
MAX_DATES: Final = 200
MAX_RECIPES: Final = 200
MAX_SWITCHES: Final = 1_000
"""Switches in one change."""
MAX_BYTES: Final = 24_000
"""Of one change, so that no entry of a case comes near 64 kB."""
MAX_NUMBER: Final = 100
"""Characters of a number that is tied to a party."""
AHEAD: Final = timedelta(days=1)
"""A change that says that it was decided later than this would hold against all that follows."""


def why_impossible(draft: Draft, change: Any) -> str | None:
    """The same about a change that was decided at no possible time."""
    if change.at > draft.now + AHEAD:
        return (
            "its time (at) lies more than a day ahead, so it would hold against every later change:"
            " set the clock of whoever wrote it, and replay it with the right time"
        )
    if change.at.year < EARLIEST_YEAR:
        return f"its time (at) is before {EARLIEST_YEAR}: replay it with the right time"
    return None


def why_refused(draft: Draft, change: Any) -> str | None:
    """What staff can do about a change that is too large, or one too many; None: it is taken."""
    if len(change.model_dump_json(exclude={"reminders"}).encode()) > MAX_BYTES:
        return (
            f"a change of a case has {MAX_BYTES} bytes at most:"
            " name roles instead of people, and put documents elsewhere"
        )
    if len(getattr(change, "number", None) or "") > MAX_NUMBER:
        return f"a number has {MAX_NUMBER} characters at most: name one of the person's numbers"
    find = _NEW.get(type(change))
    for prefix, names, limit, what in () if find is None else find(change):
        new = sum(1 for name in names if not draft.has(name))
        if new and len(draft.index.by_sort[prefix]) + new > limit:
            return f"a case has {limit} {what} at most: open another case for the others"
    if isinstance(change, CaseSettings) and len(change.reminders) > MAX_SWITCHES:
        return f"one change sets {MAX_SWITCHES} switches at most: send several"
    return None


_Growth = tuple[str, list[str], int, str]


def _party(change: Any) -> list[_Growth]:
    return [(PARTIES, [party_name(change.person_id)], MAX_PARTIES, "parties")]


def _task(change: Any) -> list[_Growth]:
    return [(TASKS, [f"{TASKS}{change.task_id}"], MAX_TASKS, "tasks")]


def _event(change: Any) -> list[_Growth]:
    return [(EVENTS, [f"{EVENTS}{change.event_id}"], MAX_EVENTS, "events")]


def _date(change: Any) -> list[_Growth]:
    return [(DATES, [f"{DATES}{change.name}"], MAX_DATES, "named dates")]


def _settings(change: CaseSettings) -> list[_Growth]:
    parties = [party_name(person_id) for person_id in change.reminders]
    recipes = [f"{RECIPES}{name}" for name in change.recipes]
    return [
        (PARTIES, parties, MAX_PARTIES, "parties"),
        (RECIPES, recipes, MAX_RECIPES, "changed recipes"),
    ]


_NEW: Final[Mapping[type[Any], Callable[[Any], list[_Growth]]]] = {
    PartyAdded: _party,
    PartyChanged: _party,
    PartyRemoved: _party,
    TaskScheduled: _task,
    TaskChanged: _task,
    TaskCanceled: _task,
    EventSaved: _event,
    EventCanceled: _event,
    DateSet: _date,
    CaseSettings: _settings,
}
