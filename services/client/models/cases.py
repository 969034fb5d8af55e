"""Cases with their parties, tasks and events."""

from __future__ import annotations

from datetime import date, datetime

from services.client.models.base import Id, Input, Kind, Output, Page


class OpenCase(Input):
    """Said again, it corrects."""

    case_id: Id
    title: str
    reference: str | None = None
    case_type: str | None = None
    branch: Id | None = None
    time_zone: str | None = None


class PartyInput(Input):
    role: str
    """client, team, party, or a word of one's own."""
    number: str | None = None
    """The person's number for this case; left out, the one they are texted at."""


class TaskWhen(Input):
    at: str = "now"
    """`now`, a time of the case's clocks such as `2027-03-02T09:00`, or an offset such as
    `3 days before`."""
    event_id: Id | None = None
    """The event that an offset counts from."""
    date_name: Id | None = None
    """The named date that an offset counts from."""
    clock: str | None = None
    """With an offset in days or weeks: at this time of that day, such as `09:00`."""
    time_zone: str | None = None


class TaskInput(Input):
    """A text to some of the parties: by a template, or in its own words."""

    template: Id | None = None
    body: str | None = None
    roles: tuple[str, ...] = ()
    person_ids: tuple[Id, ...] = ()
    when: TaskWhen = TaskWhen()
    kind: Kind = Kind.TRANSACTIONAL
    undo_seconds: int | None = None
    """Its texts are held for so long, so that `cancel_task` can take them back."""


class EventInput(Input):
    """An event as it now stands."""

    title: str
    event_type: str | None = None
    """Which reminders it has by itself, such as `hearing`."""
    starts_at: str
    """A time of the place's clocks such as `2027-03-02T09:00`, or a day."""
    time_zone: str | None = None
    location: str | None = None
    reminders: tuple[str, ...] = ()
    """Further reminders, such as `3 days before`."""


class Changed(Output):
    """Sayso has the change. The case shows it in a moment."""

    case_id: str
    change_id: str
    warnings: tuple[str, ...]
    """What looks wrong, and was recorded all the same."""


class NextEventItem(Output):
    event_id: str
    title: str
    at: datetime
    all_day: bool


class CaseItem(Output):
    case_id: str
    title: str
    reference: str | None
    case_type: str | None
    branch: str | None
    closed: bool
    parties: int
    next_event: NextEventItem | None
    changed_at: datetime


class CasePage(Page):
    items: tuple[CaseItem, ...]


class Party(Output):
    person_id: str
    role: str
    name: str = ""
    number: str | None = None
    tied_number: str | None = None
    """Chosen for this case."""
    reason: str | None = None
    """Why they cannot be texted."""
    reminders: bool = True
    since: datetime | None = None
    role_since: datetime | None = None
    switched_at: datetime | None = None


class TaskTime(Output):
    now: bool = False
    time: str | None = None
    time_zone: str | None = None
    offset: str | None = None
    event_id: str | None = None
    date_name: str | None = None
    clock: str | None = None


class CaseTask(Output):
    task_id: str
    template: str | None = None
    body: str | None = None
    roles: tuple[str, ...] = ()
    person_ids: tuple[str, ...] = ()
    when: TaskTime
    due_at: datetime | None = None
    kind: str
    canceled: bool = False
    written_by: str | None = None
    undo_seconds: int | None = None
    saved_at: datetime | None = None


class Confirmation(Output):
    person_id: str
    at: datetime


class CaseCalendarEvent(Output):
    event_id: str
    title: str
    event_type: str | None = None
    starts_at: str
    time_zone: str
    at: datetime
    all_day: bool = False
    location: str | None = None
    reminders: tuple[str, ...] = ()
    sequence: int = 0
    canceled: bool = False
    confirmed: tuple[Confirmation, ...] = ()
    next_reminder_at: datetime | None = None
    saved_at: datetime | None = None


class RecipeChange(Output):
    off: bool = False
    offset: str | None = None
    clock: str | None = None
    template: str | None = None


class Case(Output):
    tenant: str
    case_id: str
    title: str = ""
    reference: str | None = None
    case_type: str | None = None
    branch: str | None = None
    time_zone: str
    launched_at: datetime | None = None
    closed: bool = False
    closing_at: datetime | None = None
    parties: tuple[Party, ...] = ()
    tasks: tuple[CaseTask, ...] = ()
    events: tuple[CaseCalendarEvent, ...] = ()
    dates: dict[str, date] = {}
    notify_email: str | None = None
    recipes: dict[str, RecipeChange] = {}
    is_cut: bool = False
    """It was too large to be told whole."""
    version: int
    at: datetime
