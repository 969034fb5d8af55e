"""Tasks and events of a case, as people write them: when, to whom, with which words.

A time in the past, an unusual hour and an unknown role are named before they are published; a
template or a zone that there is not is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.case_event import (
    Audience,
    EventCanceled,
    EventSaved,
    TaskCanceled,
    TaskScheduled,
    TaskTime,
)
from schemas.offsets import parse_offset
from schemas.tenant_settings import TenantSettings
from schemas.wall_time import parse_wall_time
from schemas.when import check_clock
from services.operations.case_doubts import (
    check_words,
    doubt_closed,
    doubt_date_name,
    doubt_due_reminders,
    doubt_other_place,
    doubt_reminders,
    doubt_template,
    doubt_time,
    kind_of,
)
from services.operations.cases import (
    Change,
    KnownCase,
    build_change,
    find_event,
    hint_at,
    list_roles,
    parse_zone,
    require_event,
    require_party,
    require_task,
)
from services.operations.errors import InvalidRequest
from services.operations.validation import build_message, require_shown

NOW: Final = "now"


class WrittenWhen(NamedTuple):
    """When a task is due, as it was typed."""

    at: str | None
    event_id: str | None = None
    date_name: str | None = None
    clock: str | None = None
    zone: str | None = None


class TaskDraft(NamedTuple):
    """A task as it was typed; None: not said."""

    template: str | None
    body: str | None
    roles: Sequence[str]
    people: Sequence[str]
    when: WrittenWhen
    kind: str | None
    undo_seconds: int | None = None


class EventDraft(NamedTuple):
    """An event as it was typed."""

    title: str
    at: str
    event_type: str | None = None
    zone: str | None = None
    place: str | None = None
    remind: Sequence[str] = ()
    sequence: int | None = None
    """Of an imported calendar; left out, the one on record: what staff say replaces it."""


def parse_when(about: KnownCase, written: WrittenWhen) -> TaskTime:
    """`now`, a wall time, or an offset such as `3 days before`.  Raises InvalidRequest."""
    at = (written.at or NOW).strip()
    zone = parse_zone("--zone", written.zone)
    clock = parse_clock_option(written.clock)
    if written.event_id is not None:
        require_event(about, written.event_id)
    if written.event_id is not None and written.date_name is not None:
        raise InvalidRequest("--at counts from one thing", "say --event or --date, not both")
    anchored = written.event_id is not None or written.date_name is not None
    if at == NOW or (at[:1].isdecimal() and at[4:5] == "-"):
        if anchored or clock is not None:
            raise InvalidRequest(
                f"--at {at!r} counts from nothing",
                "with --event, --date or --clock write an offset such as '3 days before'",
            )
        return TaskTime(now=True) if at == NOW else _parse_wall(at, zone)
    distance = parse_offset_option("--at", at)
    if clock is not None and not distance:
        raise InvalidRequest("--clock needs an offset in days or weeks", "leave it out")
    return TaskTime(offset=at, event_id=written.event_id, date_name=written.date_name, clock=clock)


def _parse_wall(at: str, zone: str | None) -> TaskTime:
    require_wall_time("--at", at)
    return TaskTime(time=at, time_zone=zone)


def require_wall_time(option: str, written: str) -> None:
    """Raises InvalidRequest."""
    try:
        parse_wall_time(written)
    except ValueError as error:
        raise InvalidRequest(f"{option}: {error}") from None


def parse_offset_option(option: str, written: str) -> bool:
    """Whether it counts days on the calendar.  Raises InvalidRequest, with what it may have
    meant."""
    try:
        return parse_offset(written).unit.is_calendar
    except ValueError as error:
        raise InvalidRequest(f"{option}: {error}") from None


def parse_clock_option(written: str | None) -> str | None:
    if written is None:
        return None
    try:
        return check_clock(written)
    except ValueError as error:
        raise InvalidRequest(f"--clock: {error}") from None


def build_task(about: KnownCase, task_id: str, draft: TaskDraft, by: str, now: datetime) -> Change:
    """A task that the case has already is replaced, as far as its texts have not left.

    Raises InvalidRequest."""
    if (draft.template is None) == (draft.body is None):
        raise InvalidRequest("A task has words", "say --template or --body, one of them")
    if not (draft.roles or draft.people):
        raise InvalidRequest("A task goes to somebody", "say --to ROLE or --person PERSON")
    fields = _task_fields(about, draft)
    kind = kind_of(fields["when"])
    doubts = () if draft.body is None else check_words(about, draft.body, kind)
    event: Any = build_change(TaskScheduled, about, by, now, task_id=task_id, **fields)
    return Change((event,), (*doubts, *_doubt_task(about, draft, fields["when"], now)))


def build_task_canceled(about: KnownCase, task_id: str, by: str, now: datetime) -> Change:
    """Raises InvalidRequest for a task that there is not."""
    require_task(about, task_id)
    return Change((build_change(TaskCanceled, about, by, now, task_id=task_id),))


def _task_fields(about: KnownCase, draft: TaskDraft) -> dict[str, Any]:
    if draft.template is not None:
        require_template(about.settings, "--template", draft.template)
    for person_id in draft.people:
        require_party(about, person_id)
    audience = build_message(Audience, roles=tuple(draft.roles), person_ids=tuple(draft.people))
    words: dict[str, Any] = {
        "template": draft.template,
        "body": draft.body,
        "kind": draft.kind,
        "undo_seconds": draft.undo_seconds,
    }
    given = {name: value for name, value in words.items() if value is not None}
    return {"audience": audience, "when": parse_when(about, draft.when), **given}


def require_template(settings: TenantSettings | None, option: str, name: str) -> None:
    """Raises InvalidRequest, with the known ones."""
    if settings is None or name in settings.templates:
        return
    known = ", ".join(settings.templates) or "none: put it into the tenant's settings"
    raise InvalidRequest(
        f"{option} {name!r} is no template of {settings.tenant}", f"its templates: {known}"
    )


def _doubt_task(about: KnownCase, draft: TaskDraft, when: TaskTime, now: datetime) -> Iterator[str]:
    known = [role.casefold() for role in list_roles(about)]
    used = {party.role.casefold() for party in about.parties}
    for role in draft.roles:
        if role.casefold() not in used:
            hint = "" if role.casefold() in known else f", {hint_at(role.casefold(), known, '')}"
            yield f"nobody in the case has the role {role!r} yet{hint.rstrip(', ')}"
    if when.time is not None:
        yield from doubt_time("the task", when.time, when.time_zone or about.time_zone, now)
    if draft.template is not None:
        yield from doubt_template(about, draft.template, kind_of(when))
    yield from doubt_date_name(about, when.date_name)
    if when.now and about.case is not None and about.case.launched_at is None:
        yield "it goes when the case is launched (sayso case launch)"
    yield from doubt_closed(about)


def build_event(
    about: KnownCase, event_id: str, draft: EventDraft, by: str, now: datetime
) -> Change:
    """Raises InvalidRequest."""
    require_shown("--title", draft.title)
    zone = parse_zone("--zone", draft.zone)
    require_wall_time("--at", draft.at)
    for offset in draft.remind:
        parse_offset_option("--remind", offset)
    event: Any = build_change(
        EventSaved,
        about,
        by,
        now,
        event_id=event_id,
        title=draft.title,
        event_type=draft.event_type,
        starts_at=draft.at,
        time_zone=zone,
        location=draft.place,
        reminders=tuple(draft.remind),
        sequence=_known_sequence(about, event_id) if draft.sequence is None else draft.sequence,
    )
    place = zone or about.time_zone
    doubts = [*doubt_time(f"{draft.title!r}", draft.at, place, now)]
    if draft.sequence is None:  # a calendar's events are many, and have their types from it
        doubts += doubt_reminders(about, draft.event_type, draft.remind)
    doubts += doubt_due_reminders(about, event_id, draft.at, place, draft.remind, now)
    doubts += doubt_other_place(about, event_id, draft.at, draft.place)
    return Change((event,), (*doubts, *doubt_closed(about)))


def build_event_canceled(about: KnownCase, event_id: str, by: str, now: datetime) -> Change:
    """Raises InvalidRequest for an event that there is not."""
    require_event(about, event_id)
    sequence = _known_sequence(about, event_id)
    event: Any = build_change(EventCanceled, about, by, now, event_id=event_id, sequence=sequence)
    return Change((event,))


def _known_sequence(about: KnownCase, event_id: str) -> int:
    known = find_event(about, event_id)
    return known.sequence if known else 0
