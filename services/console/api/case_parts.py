"""Parties, tasks and events of a case."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from schemas.base import Message, Slug
from schemas.send_request import Kind, UndoSeconds
from services.console.api.calls import ApiRoute, Call, changes
from services.console.api.cases import Changed, Title, change_case
from services.console.api.scopes import Scope
from services.operations.case_parts import (
    EventDraft,
    TaskDraft,
    WrittenWhen,
    build_event,
    build_event_canceled,
    build_task,
    build_task_canceled,
)
from services.operations.cases import (
    Change,
    KnownCase,
    build_party_added,
    build_party_changed,
    build_party_removed,
)

router = APIRouter(route_class=ApiRoute, tags=["cases"])
Word = Annotated[str, Field(min_length=1, max_length=64)]


class PartyInput(Message):
    model_config = ConfigDict(extra="forbid")

    role: Word
    """client, team, party, or a word of one's own."""
    number: Annotated[str, Field(max_length=64)] | None = None
    """The person's number for this case; left out, the one they are texted at."""


class TaskWhen(Message):
    """When a task is due."""

    model_config = ConfigDict(extra="forbid")

    at: Word = "now"
    """`now`, a time of the case's clocks such as `2027-03-02T09:00`, or an offset such as
    `3 days before`."""
    event_id: Slug | None = None
    """The event that an offset counts from."""
    date_name: Slug | None = None
    """The named date that an offset counts from."""
    clock: Word | None = None
    """With an offset in days or weeks: at this time of that day, such as `09:00`."""
    time_zone: Word | None = None


class TaskInput(Message):
    """A text to some of the parties: by a template, or in its own words."""

    model_config = ConfigDict(extra="forbid")

    template: Slug | None = None
    body: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    roles: Annotated[tuple[Word, ...], Field(max_length=20)] = ()
    person_ids: Annotated[tuple[Slug, ...], Field(max_length=100)] = ()
    when: TaskWhen = TaskWhen()
    kind: Kind = Kind.TRANSACTIONAL
    undo_seconds: UndoSeconds | None = None
    """The gate holds its texts for so long, so that the task can be taken back."""


class EventInput(Message):
    """An event as it now stands."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    event_type: Title | None = None
    """Which reminders it has by itself, such as `hearing`."""
    starts_at: Word
    """A time of the place's clocks such as `2027-03-02T09:00`, or a day."""
    time_zone: Word | None = None
    location: Title | None = None
    reminders: Annotated[tuple[Word, ...], Field(max_length=20)] = ()
    """Further reminders, such as `3 days before`."""


@router.put("/v1/cases/{case_id}/parties/{person_id}", status_code=202, response_model=Changed)
async def put_party(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, person_id: Slug, told: PartyInput
) -> Response:
    """Add a person to a case, or change their role or number."""

    def build(about: KnownCase) -> Change:
        is_known = any(party.person_id == person_id for party in about.parties)
        if is_known:
            number = told.number or ""
            return build_party_changed(about, person_id, told.role, number, call.by, call.now)
        return build_party_added(about, person_id, told.role, told.number, call.by, call.now)

    return await change_case(call, case_id, told, build)


@router.delete("/v1/cases/{case_id}/parties/{person_id}", status_code=202, response_model=Changed)
async def remove_party(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, person_id: Slug
) -> Response:
    """Take a person out of a case."""

    def build(about: KnownCase) -> Change:
        return build_party_removed(about, person_id, call.by, call.now)

    return await change_case(call, case_id, None, build)


@router.put("/v1/cases/{case_id}/tasks/{task_id}", status_code=202, response_model=Changed)
async def put_task(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, task_id: Slug, told: TaskInput
) -> Response:
    """Schedule a text, or replace one that has not left."""
    when = told.when
    draft = TaskDraft(
        told.template,
        told.body,
        told.roles,
        told.person_ids,
        WrittenWhen(when.at, when.event_id, when.date_name, when.clock, when.time_zone),
        told.kind,
        told.undo_seconds,
    )

    def build(about: KnownCase) -> Change:
        return build_task(about, task_id, draft, call.by, call.now)

    return await change_case(call, case_id, told, build)


@router.delete("/v1/cases/{case_id}/tasks/{task_id}", status_code=202, response_model=Changed)
async def cancel_task(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, task_id: Slug
) -> Response:
    """Cancel a task: its texts that have not left never go."""

    def build(about: KnownCase) -> Change:
        return build_task_canceled(about, task_id, call.by, call.now)

    return await change_case(call, case_id, None, build)


@router.put("/v1/cases/{case_id}/events/{event_id}", status_code=202, response_model=Changed)
async def put_event(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, event_id: Slug, told: EventInput
) -> Response:
    """Save an event; its reminders follow it."""
    draft = EventDraft(
        told.title, told.starts_at, told.event_type, told.time_zone, told.location, told.reminders
    )

    def build(about: KnownCase) -> Change:
        return build_event(about, event_id, draft, call.by, call.now)

    return await change_case(call, case_id, told, build)


@router.delete("/v1/cases/{case_id}/events/{event_id}", status_code=202, response_model=Changed)
async def cancel_event(
    call: Annotated[Call, changes(Scope.CASES)], case_id: Slug, event_id: Slug
) -> Response:
    """Cancel an event: its reminders that have not left never go."""

    def build(about: KnownCase) -> Change:
        return build_event_canceled(about, event_id, call.by, call.now)

    return await change_case(call, case_id, None, build)
