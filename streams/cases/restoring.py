"""Build the state of a case again from what was published, good enough to see what is ahead.

Who looks ahead has the case, its people and its texts from the ledger, and not a worker's state.
What is not published is left out: how far a walk has come, and what threads were told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from schemas.case import (
    Case,
    CaseCalendarEvent,
    CasePerson,
    CaseTask,
    CaseText,
    Party,
    TextState,
)
from schemas.numbers import e164
from streams.cases.changes import build_when
from streams.cases.registers import Written
from streams.cases.state import (
    CASE,
    DATES,
    EVENTS,
    RECIPES,
    TASKS,
    CaseEntry,
    DateEntry,
    EventEntry,
    NumberEntry,
    PartyEntry,
    PersonEntry,
    RecipeEntry,
    TaskEntry,
    TextEntry,
    number_name,
    party_name,
    person_name,
    text_name,
)
from streams.processing import StateEntry, StateStore

LEFT = frozenset({TextState.SENT, TextState.ARRIVED, TextState.FAILED})


def restore_state(
    case: Case, people: Iterable[CasePerson], texts: Iterable[CaseText] = ()
) -> StateStore:
    """`people`: the records of its parties.  `texts`: the latest of each text, so that none is
    shown as ahead that has left."""
    raw: dict[str, StateEntry] = {CASE: _case(case)}
    for party in case.parties:
        raw[party_name(party.person_id)] = _party(case, party)
        if party.number is not None:
            name = number_name(e164(party.number))
            before = raw.get(name)
            sharing = before.people if isinstance(before, NumberEntry) else ()
            raw[name] = NumberEntry(people=(*sharing, party.person_id))
    for person in people:
        raw[person_name(person.person_id)] = _person(person)
    for task in case.tasks:
        raw[f"{TASKS}{task.task_id}"] = _task(case, task)
    for event in case.events:
        raw[f"{EVENTS}{event.event_id}"] = _event(case, event)
    for date_name, day in case.dates.items():
        written = _written(case, None)
        raw[f"{DATES}{date_name}"] = DateEntry(written=written, date=day.isoformat())
    for recipe, change in case.recipes.items():
        said = change.model_dump()
        raw[f"{RECIPES}{recipe}"] = RecipeEntry(written=_written(case, None), **said)
    raw |= dict(_texts(texts))
    return StateStore(case.case_key, raw)


def _written(case: Case, at: datetime | None, sequence: int = 0) -> Written:
    return Written(at=at or case.launched_at or case.at, change_id="published", sequence=sequence)


def _case(case: Case) -> CaseEntry:
    return CaseEntry(
        opened=_written(case, None) if case.title else None,
        title=case.title,
        reference=case.reference,
        case_type=case.case_type,
        branch=case.branch,
        time_zone=case.time_zone,
        launched=_written(case, case.launched_at) if case.launched_at else None,
        closing=_written(case, case.closing_at) if case.closing_at or case.closed else None,
        closed=case.closed,
        reopened_at=None if case.closed else case.closing_at,
        notify_email=case.notify_email,
        version=case.version,
    )


def _party(case: Case, party: Party) -> PartyEntry:
    switched = party.switched_at
    return PartyEntry(
        presence=_written(case, party.since),
        present=True,
        role=party.role,
        role_written=_written(case, party.role_since) if party.role_since else None,
        tied_number=party.tied_number,
        switching=_written(case, switched) if switched else None,
        reminders=party.reminders,
        resumed_at=switched if party.reminders else None,
        linked=True,
        number=party.number,
    )


def _person(person: CasePerson) -> PersonEntry:
    names = [name for name in PersonEntry.__struct_fields__ if name in CasePerson.model_fields]
    return PersonEntry(**{name: getattr(person, name) for name in names})


def _task(case: Case, task: CaseTask) -> TaskEntry:
    saved = _written(case, task.saved_at)
    return TaskEntry(
        scheduled=saved,
        canceling=_canceling(saved) if task.canceled else None,
        template=task.template,
        body=task.body,
        roles=task.roles,
        person_ids=task.person_ids,
        timing=saved,
        when=build_when(task.when),
        kind=task.kind,
        written_by=task.written_by,
        undo_seconds=task.undo_seconds,
    )


def _canceling(saved: Written) -> Written:
    """It comes after what was saved at that time."""
    return saved.model_copy(update={"change_id": "published-2"})


def _event(case: Case, event: CaseCalendarEvent) -> EventEntry:
    saved = _written(case, event.saved_at, event.sequence)
    return EventEntry(
        saved=saved,
        canceling=_canceling(saved) if event.canceled else None,
        title=event.title,
        event_type=event.event_type,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        location=event.location,
        reminders=event.reminders,
    )


def _texts(texts: Iterable[CaseText]) -> Iterator[tuple[str, TextEntry]]:
    for text in texts:
        if text.task_id is not None:
            anchor = f"{TASKS}{text.task_id}"
        elif text.event_id is not None:
            anchor = f"{EVENTS}{text.event_id}"
        else:
            anchor = f"{DATES}{text.date_name}"
        yield (
            text_name(anchor, text.text_id),
            TextEntry(
                person_id=text.person_id,
                recipe=text.recipe,
                starts_at=text.event_starts_at,
                recipe_version=text.recipe_version,
                template=text.template,
                template_version=text.template_version,
                language=text.language,
                due_at=text.due_at,
                state=text.state,
                has_left=text.state in LEFT,
                by_us=text.state == TextState.CANCELED and text.may_return,
                reason=text.reason,
                version=text.version,
            ),
        )
