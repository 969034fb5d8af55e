"""The whole case, as everybody else reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from schemas.case import Case, CaseCalendarEvent, CaseTask, Confirmation, Party
from schemas.topics import CASES
from streams.calendar.instants import instant_of, is_all_day
from streams.cases.draft import Draft
from streams.cases.numbers import choose_number
from streams.cases.state import (
    CASE,
    DATES,
    EVENTS,
    PARTIES,
    RECIPES,
    TASKS,
    ConfirmationEntry,
    DateEntry,
    EventEntry,
    PartyEntry,
    PersonEntry,
    RecipeEntry,
    TaskEntry,
    person_name,
)
from streams.cases.task_times import task_due
from streams.cases.view_size import fit_case

LARGE: Final = 500
"""Parties and events from which on a case is not published with every batch: it costs too much."""
PATIENCE: Final = timedelta(milliseconds=1)
"""For each of them: a case of 10,000 parties is published every ten seconds while it changes."""


LONGEST_NAME: Final = 200
"""Characters of a party's name; the person's own record has all of it."""


def publish_view(draft: Draft) -> None:
    """Once a batch, if readers would see a difference.  A large case waits for more."""
    case = draft.case
    size = sum(len(draft.index.by_sort[sort]) for sort in (PARTIES, EVENTS, TASKS))
    if size >= LARGE and not case.views:
        draft.keep(CASE, case.model_copy(update={"views": True}))
        draft.set_timer(CASE, draft.now + size * PATIENCE)
    elif not case.views:
        publish_now(draft)


def publish_now(draft: Draft) -> None:
    case = draft.case
    view = fit_case(build_case(draft, case.version + 1))
    digest = _hash(view)
    if digest != case.published:
        draft.publish(CASES, view)
        case = case.model_copy(update={"version": view.version, "published": digest})
    draft.keep(CASE, case.model_copy(update={"views": False}))


def _hash(view: Case) -> str:
    said = view.model_dump_json(exclude={"version", "at"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def build_case(draft: Draft, version: int) -> Case:
    case = draft.case
    confirmed = _find_confirmations(draft)
    return Case(
        tenant=draft.tenant_id,
        case_id=draft.case_id,
        title=case.title,
        reference=case.reference,
        case_type=case.case_type,
        branch=case.branch,
        time_zone=draft.zone,
        launched_at=case.launched.at if case.launched else None,
        closed=case.closed,
        closing_at=case.closing.at if case.closing else None,
        parties=tuple(_parties(draft)),
        tasks=tuple(_tasks(draft)),
        events=tuple(_events(draft, confirmed)),
        dates=dict(_dates(draft)),
        notify_email=case.notify_email,
        recipes={
            name.removeprefix(RECIPES): entry.change
            for name in draft.index.by_sort[RECIPES]
            if (entry := draft.get(name, RecipeEntry)) is not None
        },
        version=version,
        at=draft.now,
    )


def _parties(draft: Draft) -> Iterator[Party]:
    types = draft.tenant.number_types
    for name in draft.index.by_sort[PARTIES]:
        party = draft.get(name, PartyEntry)
        if party is None or not party.present:
            continue
        person_id = name.removeprefix(PARTIES)
        person = draft.get(person_name(person_id), PersonEntry)
        chosen = choose_number(person, party.tied_number, types)
        yield Party(
            person_id=person_id,
            role=party.role,
            name=person.name[:LONGEST_NAME] if person else "",
            number=chosen.number,
            tied_number=party.tied_number,
            reason=chosen.reason,
            reminders=party.reminders,
            since=party.presence.at if party.presence else None,
            role_since=party.role_written.at if party.role_written else None,
            switched_at=party.switching.at if party.switching else None,
        )


def _tasks(draft: Draft) -> Iterator[CaseTask]:
    for name in draft.index.by_sort[TASKS]:
        task = draft.get(name, TaskEntry)
        if task is None or task.scheduled is None:
            continue
        yield CaseTask(
            task_id=name.removeprefix(TASKS),
            template=task.template,
            body=task.body,
            roles=task.roles,
            person_ids=task.person_ids,
            when=task.when.task_time,
            due_at=task_due(draft, task),
            kind=task.kind,
            canceled=task.canceled,
            written_by=task.written_by,
            undo_seconds=task.undo_seconds,
            saved_at=max(one.at for one in (task.scheduled, task.timing) if one is not None),
        )


def _events(
    draft: Draft, confirmed: dict[str, list[tuple[str, ConfirmationEntry]]]
) -> Iterator[CaseCalendarEvent]:
    for name in draft.index.by_sort[EVENTS]:
        event = draft.get(name, EventEntry)
        if event is None or event.saved is None:
            continue
        zone = event.time_zone or draft.zone
        event_id = name.removeprefix(EVENTS)
        yield CaseCalendarEvent(
            event_id=event_id,
            title=event.title,
            event_type=event.event_type,
            starts_at=event.starts_at,
            time_zone=zone,
            at=instant_of(event.starts_at, zone),
            all_day=is_all_day(event.starts_at),
            location=event.location,
            reminders=event.reminders,
            sequence=event.sequence,
            canceled=event.canceled,
            confirmed=tuple(
                Confirmation(person_id=person_id, at=entry.at)
                for person_id, entry in confirmed.get(event_id, ())
                if entry.starts_at == event.starts_at
            ),
            next_reminder_at=event.told_next,
            saved_at=event.saved.at,
        )


def _find_confirmations(draft: Draft) -> dict[str, list[tuple[str, ConfirmationEntry]]]:
    found: dict[str, list[tuple[str, ConfirmationEntry]]] = {}
    for name in draft.index.confirmations:
        _, event_id, person_id = name.split("/")
        entry = draft.get(name, ConfirmationEntry)
        if entry is not None:
            found.setdefault(event_id, []).append((person_id, entry))
    return found


def _dates(draft: Draft) -> Iterator[tuple[str, date]]:
    for name in draft.index.by_sort[DATES]:
        entry = draft.get(name, DateEntry)
        if entry is not None and entry.date is not None:
            yield name.removeprefix(DATES), datetime.fromisoformat(entry.date).date()
