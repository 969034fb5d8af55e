"""What producers and staff say of a case: its parties, tasks, events, dates and switches.

Every change has an identity (`change_id`), a time (`at`) and an author (`by`).  Of two changes of
one field the later one holds, by `at` and then by `change_id`.  So any order, repeats and late
arrivals give the same case."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Tag, field_validator

from schemas.base import Day, Message, Slug, UtcTime
from schemas.offsets import Offset
from schemas.send_request import Kind, UndoSeconds
from schemas.tagged import UNKNOWN, by_type
from schemas.time_zones import require_place
from schemas.wall_time import WallTime, require_near_day
from schemas.when import ClockTime

TITLE: int = 200
"""Characters in a title, a place or a role, at most."""
Title = Annotated[str, Field(max_length=TITLE)]
Role = Annotated[str, Field(min_length=1, max_length=64)]
"""`client`, `team`, `party`, or the tenant's own word.  Upper and lower case are the same."""


Place = Annotated[str, AfterValidator(require_place)]
"""A time zone, by the IANA name of a place."""


class _CaseChange(Message):
    tenant: Slug
    case_id: Slug
    change_id: Slug
    """A repeat changes nothing."""
    at: UtcTime
    """When it was decided: the later of two holds, whichever arrives first."""
    by: str | None = None
    """Who says so: a program, or a member of staff by name."""

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class CaseOpened(_CaseChange):
    """A case begins.  What may come before it is kept until it does; said again, it corrects."""

    type: Literal["case_opened"] = "case_opened"
    title: Title = Field(min_length=1)
    reference: Title | None = None
    """The court's or the agency's number."""
    case_type: Title | None = None
    branch: Slug | None = None
    time_zone: Place | None = None
    """Of its events that name none; left out, the tenant's."""


class PartyAdded(_CaseChange):
    """A person takes part.  One who was removed may be added again."""

    type: Literal["party_added"] = "party_added"
    person_id: Slug
    role: Role
    number: str | None = None
    """The number for this case, one of the person's; left out, the one they are texted at."""


class PartyChanged(_CaseChange):
    """What is given changes; an empty number unties it."""

    type: Literal["party_changed"] = "party_changed"
    person_id: Slug
    role: Role | None = None
    number: str | None = None


class PartyRemoved(_CaseChange):
    """Nothing that was due to them goes any more."""

    type: Literal["party_removed"] = "party_removed"
    person_id: Slug


class Audience(Message):
    """Who is texted: everybody with one of the roles, and the people named."""

    roles: tuple[Role, ...] = ()
    person_ids: tuple[Slug, ...] = ()


class TaskTime(Message):
    """When a task is due: exactly one of `now`, `time`, or `offset`."""

    now: bool = False
    """As soon as the case is launched."""
    time: WallTime | None = None
    time_zone: Place | None = None
    """Of `time`; left out, the case's."""
    offset: Offset | None = None
    """From the launch, from an event or from a named date."""
    event_id: Slug | None = None
    """The event that `offset` counts from."""
    date_name: Slug | None = None
    """The date (`DateSet`) that `offset` counts from; neither: from the launch."""
    clock: ClockTime | None = None
    """With an offset in days or weeks: at this time of that day."""


class TaskScheduled(_CaseChange):
    """A text to some of the parties, at its time.  It has a template's name or its own words."""

    type: Literal["task_scheduled"] = "task_scheduled"
    task_id: Slug
    template: Slug | None = None
    body: Annotated[str, Field(max_length=4000)] | None = None
    """Own words; a template's fields may stand in it."""
    audience: Audience
    when: TaskTime = TaskTime(now=True)
    kind: Annotated[str, Field(max_length=32)] = Kind.TRANSACTIONAL
    written_by: Annotated[str, Field(max_length=TITLE)] | None = None
    """Who wrote this one text by hand (see `SendRequest.written_by`)."""
    undo_seconds: UndoSeconds | None = None
    """See `SendRequest.undo_seconds`."""


class TaskChanged(_CaseChange):
    """What is given changes.  A task whose texts have left stays as it is for those."""

    type: Literal["task_changed"] = "task_changed"
    task_id: Slug
    template: Slug | None = None
    body: Annotated[str, Field(max_length=4000)] | None = None
    audience: Audience | None = None
    when: TaskTime | None = None
    kind: Annotated[str, Field(max_length=32)] | None = None


class TaskCanceled(_CaseChange):
    """Its texts that have not left never go.  A task of the same id may be scheduled again."""

    type: Literal["task_canceled"] = "task_canceled"
    task_id: Slug


class Launched(_CaseChange):
    """From now on its tasks go.  Every party due a text is asked for opt-in at once."""

    type: Literal["launched"] = "launched"


class EventSaved(_CaseChange):
    """An event as it now stands: a hearing, a closing, an appointment.  Saved again, it replaces
    what was said before."""

    type: Literal["event_saved"] = "event_saved"
    event_id: Slug
    title: Title = Field(min_length=1)
    event_type: Title | None = None
    """Which recipes it has, such as `hearing`."""
    starts_at: WallTime
    """A date alone is an event of the whole day."""
    time_zone: Place | None = None
    """Of the event's place; left out, the case's."""
    location: Title | None = None
    reminders: Annotated[tuple[Offset, ...], Field(max_length=20)] = ()
    """Reminders of this event alone, to its clients, besides what recipes say."""
    sequence: int = Field(default=0, ge=0, le=2**31)
    """Of an imported calendar: a lower one never replaces a higher one (RFC 5545, 3.8.7.4)."""


class EventCanceled(_CaseChange):
    """It does not take place: its reminders that have not left never go."""

    type: Literal["event_canceled"] = "event_canceled"
    event_id: Slug
    sequence: int = Field(default=0, ge=0, le=2**31)


class RecipeChange(Message):
    """How a recipe of the tenant differs for one case.  What is left out stays the tenant's."""

    off: bool = False
    offset: Offset | None = None
    clock: ClockTime | None = None
    template: Slug | None = None


class CaseSettings(_CaseChange):
    """What is given changes."""

    type: Literal["case_settings"] = "case_settings"
    reminders: dict[Slug, bool] = {}
    """By person: whether automatic reminders go to them.  Left out, they do."""
    notify_email: Annotated[str, Field(max_length=254)] | None = None
    """Where replies on this case are mailed to; empty: where the tenant's go."""
    recipes: dict[Slug, RecipeChange] = {}
    """By the recipe's name."""


class DateSet(_CaseChange):
    """A named date, such as `filing` or `closing`.  Without a date, it is taken away."""

    type: Literal["date_set"] = "date_set"
    name: Slug
    date: Day | None = None

    @field_validator("date")
    @classmethod
    def _is_near(cls, day: Day | None) -> Day | None:
        return day if day is None else require_near_day(day)


class CaseClosed(_CaseChange):
    """Nothing goes from a closed case, and what is ahead is canceled."""

    type: Literal["case_closed"] = "case_closed"


class CaseReopened(_CaseChange):
    """What is still ahead goes again."""

    type: Literal["case_reopened"] = "case_reopened"


_KNOWN = (
    "case_closed",
    "case_opened",
    "case_reopened",
    "case_settings",
    "date_set",
    "event_canceled",
    "event_saved",
    "launched",
    "party_added",
    "party_changed",
    "party_removed",
    "task_canceled",
    "task_changed",
    "task_scheduled",
)


class UnknownCaseEvent(Message):
    """A change of a newer version: counted and ignored, and no dead letter."""

    type: str = Field(json_schema_extra={"not": {"enum": list(_KNOWN)}})
    tenant: Slug
    case_id: Slug

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


CaseEvent = Annotated[
    Annotated[CaseOpened, Tag("case_opened")]
    | Annotated[PartyAdded, Tag("party_added")]
    | Annotated[PartyChanged, Tag("party_changed")]
    | Annotated[PartyRemoved, Tag("party_removed")]
    | Annotated[TaskScheduled, Tag("task_scheduled")]
    | Annotated[TaskChanged, Tag("task_changed")]
    | Annotated[TaskCanceled, Tag("task_canceled")]
    | Annotated[Launched, Tag("launched")]
    | Annotated[EventSaved, Tag("event_saved")]
    | Annotated[EventCanceled, Tag("event_canceled")]
    | Annotated[CaseSettings, Tag("case_settings")]
    | Annotated[DateSet, Tag("date_set")]
    | Annotated[CaseClosed, Tag("case_closed")]
    | Annotated[CaseReopened, Tag("case_reopened")]
    | Annotated[UnknownCaseEvent, Tag(UNKNOWN)],
    by_type(_KNOWN),
]
