"""What a change does to the fields of a case, and what has to be looked at again because of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from schemas.case_event import (
    TITLE,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseSettings,
    DateSet,
    EventCanceled,
    EventSaved,
    Launched,
    PartyAdded,
    PartyChanged,
    PartyRemoved,
    TaskCanceled,
    TaskChanged,
    TaskScheduled,
    TaskTime,
)
from streams.cases.draft import Draft
from streams.cases.registers import Stamp, Written, is_later
from streams.cases.state import (
    CASE,
    DATES,
    EVENTS,
    RECIPES,
    TASKS,
    CaseEntry,
    DateEntry,
    EventEntry,
    PartyEntry,
    RecipeEntry,
    TaskEntry,
    When,
    party_name,
)


class Touched(NamedTuple):
    """What a change may matter to."""

    people: frozenset[str] = frozenset()
    anchors: frozenset[str] = frozenset()
    all_people: bool = False
    all_anchors: bool = False
    audience: bool = False
    """Others may be due a text now."""


NOTHING: Final = Touched()
ALL: Final = Touched(all_people=True, all_anchors=True)


def apply_change(draft: Draft, change: Any) -> Touched:
    return _APPLY[type(change)](draft, change)


def stamp_of(change: Any) -> Stamp:
    return Stamp(getattr(change, "sequence", 0), change.at, change.change_id)


# --- the case itself


def _on_opened(draft: Draft, change: CaseOpened) -> Touched:
    before = draft.case
    stamp = stamp_of(change)
    if not is_later(stamp, before.opened):
        return NOTHING
    fields = ("title", "reference", "case_type", "branch", "time_zone")
    said = {name: getattr(change, name) for name in fields}
    _put_case(draft, before, opened=Written.of(stamp), **said)
    is_other = any(getattr(before, name) != value for name, value in said.items())
    return Touched(all_people=before.title != change.title, all_anchors=is_other)


def _on_launched(draft: Draft, change: Launched) -> Touched:
    """A case is launched once: the first time counts."""
    before = draft.case
    stamp = stamp_of(change)
    if before.launched is not None and stamp >= before.launched.stamp:
        return NOTHING
    _put_case(draft, before, launched=Written.of(stamp))
    return Touched(anchors=frozenset(draft.index.by_sort[TASKS]), all_people=True)


def _on_closing(draft: Draft, change: CaseClosed | CaseReopened) -> Touched:
    before = draft.case
    stamp = stamp_of(change)
    if not is_later(stamp, before.closing):
        return NOTHING
    closed = isinstance(change, CaseClosed)
    reopened_at = change.at if before.closed and not closed else before.reopened_at
    said = {"closing": Written.of(stamp), "closed": closed, "reopened_at": reopened_at}
    _put_case(draft, before, **said)
    return ALL if closed != before.closed else NOTHING


def _on_settings(draft: Draft, change: CaseSettings) -> Touched:
    stamp = stamp_of(change)
    before = draft.case
    touched = NOTHING
    if change.notify_email is not None and is_later(stamp, before.mailing):
        address = change.notify_email or None
        _put_case(draft, before, mailing=Written.of(stamp), notify_email=address)
        touched = Touched(all_people=address != before.notify_email)
    people = {
        person_id
        for person_id, is_on in change.reminders.items()
        if _switch(draft, person_id, stamp, is_on)
    }
    recipes = [_override(draft, name, stamp, one) for name, one in change.recipes.items()]
    return touched._replace(people=frozenset(people), all_anchors=any(recipes))


def _switch(draft: Draft, person_id: str, stamp: Stamp, is_on: bool) -> bool:
    party = _party(draft, person_id)
    if not is_later(stamp, party.switching):
        return False
    update: dict[str, Any] = {"switching": Written.of(stamp), "reminders": is_on}
    if is_on and not party.reminders:
        update["resumed_at"] = stamp.at
    draft.put(party_name(person_id), party.model_copy(update=update))
    return True


def _override(draft: Draft, name: str, stamp: Stamp, change: Any) -> bool:
    before = draft.get(f"{RECIPES}{name}", RecipeEntry)
    if not is_later(stamp, before.written if before else None):
        return False
    said = {field: getattr(change, field) for field in ("off", "offset", "clock", "template")}
    draft.put(f"{RECIPES}{name}", RecipeEntry(written=Written.of(stamp), **said))
    return True


def _put_case(draft: Draft, before: CaseEntry, **changes: Any) -> None:
    draft.put(CASE, before.model_copy(update=changes))


# --- parties


def _party(draft: Draft, person_id: str) -> PartyEntry:
    return draft.get(party_name(person_id), PartyEntry) or PartyEntry()


def _on_party(draft: Draft, change: PartyAdded | PartyChanged | PartyRemoved) -> Touched:
    """Who is added has the role and the number that the change names, or no number of their own.
    A change writes only what it gives."""
    stamp = stamp_of(change)
    party = _party(draft, change.person_id)
    update: dict[str, Any] = {}
    if not isinstance(change, PartyChanged) and is_later(stamp, party.presence):
        update |= {"presence": Written.of(stamp), "present": isinstance(change, PartyAdded)}
    if not isinstance(change, PartyRemoved):
        if change.role is not None and is_later(stamp, party.role_written):
            update |= {"role_written": Written.of(stamp), "role": change.role}
        is_given = isinstance(change, PartyAdded) or change.number is not None
        if is_given and is_later(stamp, party.tying):
            number = (change.number or "").strip() or None
            update |= {"tying": Written.of(stamp), "tied_number": number}
    if not update:
        return NOTHING
    draft.put(party_name(change.person_id), party.model_copy(update=update))
    return Touched(people=frozenset({change.person_id}))


# --- tasks, events and dates


def _on_task(draft: Draft, change: TaskScheduled | TaskChanged) -> Touched:
    name = f"{TASKS}{change.task_id}"
    stamp = stamp_of(change)
    task = draft.get(name, TaskEntry) or TaskEntry()
    update: dict[str, Any] = {}
    if isinstance(change, TaskScheduled) and is_later(stamp, task.scheduled):
        written = Written.of(stamp)
        update |= {"scheduled": written, "written_by": change.written_by, "by": _cut(change.by)}
        update["undo_seconds"] = change.undo_seconds
    words = change.template or change.body
    if (words or isinstance(change, TaskScheduled)) and is_later(stamp, task.wording):
        written = Written.of(stamp)
        update |= {"wording": written, "template": change.template, "body": change.body}
    if change.audience is not None and is_later(stamp, task.addressing):
        roles, people = change.audience.roles, change.audience.person_ids
        update |= {"addressing": Written.of(stamp), "roles": roles, "person_ids": people}
    if change.when is not None and is_later(stamp, task.timing):
        update |= {"timing": Written.of(stamp), "when": build_when(change.when)}
    if change.kind is not None and is_later(stamp, task.kind_written):
        update |= {"kind_written": Written.of(stamp), "kind": change.kind}
    if not update:
        return NOTHING
    draft.put(name, task.model_copy(update=update))
    return Touched(anchors=frozenset({name}), audience=True)


def _cut(name: str | None) -> str | None:
    """A name of any length would end as a request that people refuses."""
    return name and name[:TITLE]


def build_when(when: TaskTime) -> When:
    return When(**{name: getattr(when, name) for name in TaskTime.model_fields})


def _on_task_canceled(draft: Draft, change: TaskCanceled) -> Touched:
    name = f"{TASKS}{change.task_id}"
    stamp = stamp_of(change)
    task = draft.get(name, TaskEntry) or TaskEntry()
    if not is_later(stamp, task.canceling):
        return NOTHING
    draft.put(name, task.model_copy(update={"canceling": Written.of(stamp)}))
    return Touched(anchors=frozenset({name}))


def _on_event(draft: Draft, change: EventSaved) -> Touched:
    name = f"{EVENTS}{change.event_id}"
    stamp = stamp_of(change)
    event = draft.get(name, EventEntry) or EventEntry()
    if not is_later(stamp, event.saved):
        return NOTHING
    fields = ("title", "event_type", "starts_at", "time_zone", "location", "reminders")
    said = {field: getattr(change, field) for field in fields}
    draft.put(name, event.model_copy(update={**said, "saved": Written.of(stamp)}))
    anchors = {name, *_tasks_on(draft, "event_id", change.event_id)}
    has_moved = event.saved is not None and event.starts_at != change.starts_at
    return Touched(anchors=frozenset(anchors), all_people=has_moved, audience=True)


def _on_event_canceled(draft: Draft, change: EventCanceled) -> Touched:
    name = f"{EVENTS}{change.event_id}"
    stamp = stamp_of(change)
    event = draft.get(name, EventEntry) or EventEntry()
    if not is_later(stamp, event.canceling):
        return NOTHING
    draft.put(name, event.model_copy(update={"canceling": Written.of(stamp)}))
    anchors = {name, *_tasks_on(draft, "event_id", change.event_id)}
    return Touched(anchors=frozenset(anchors), all_people=True)


def _on_date(draft: Draft, change: DateSet) -> Touched:
    name = f"{DATES}{change.name}"
    stamp = stamp_of(change)
    before = draft.get(name, DateEntry) or DateEntry()
    if not is_later(stamp, before.written):
        return NOTHING
    written = change.date.isoformat() if change.date else None
    draft.put(name, before.model_copy(update={"written": Written.of(stamp), "date": written}))
    anchors = {name, *_tasks_on(draft, "date_name", change.name)}
    return Touched(anchors=frozenset(anchors), audience=True)


def _tasks_on(draft: Draft, field: str, identity: str) -> list[str]:
    """The tasks whose time counts from this event or date."""
    found = []
    for name in draft.index.by_sort[TASKS]:
        task = draft.get(name, TaskEntry)
        if task is not None and getattr(task.when, field) == identity:
            found.append(name)
    return found


_APPLY: Final[Mapping[type[Any], Callable[[Draft, Any], Touched]]] = {
    CaseOpened: _on_opened,
    Launched: _on_launched,
    CaseClosed: _on_closing,
    CaseReopened: _on_closing,
    CaseSettings: _on_settings,
    PartyAdded: _on_party,
    PartyChanged: _on_party,
    PartyRemoved: _on_party,
    TaskScheduled: _on_task,
    TaskChanged: _on_task,
    TaskCanceled: _on_task_canceled,
    EventSaved: _on_event,
    EventCanceled: _on_event_canceled,
    DateSet: _on_date,
}
