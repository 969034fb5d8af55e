"""What cases remembers of a case: small entries, by name.

- `case`: the case's own fields
- `party/<person>`: a person's part in the case; kept when they were removed
- `person/<person>`: their record, as people last gave it
- `number/<number>`: whose number it is in this case, and whether it was asked for opt-in
- `due/task/<task>`, `due/event/<event>`, `due/date/<name>`: an *anchor*, on which texts hang.  Each
  has one timer: when to look at it next
- `recipe/<recipe>`: how the case differs from the tenant's recipe
- `text/<anchor>/<text id>`: a text that was requested, or has ended; future ones have none
- `confirmed/<event>/<person>`: a reply that confirms an event
- `sweep`: a walk over all parties that is under way, some hundred a step
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.case import TextState
from schemas.case_event import RecipeChange, TaskTime
from schemas.person import PersonNumber
from schemas.send_request import Kind
from streams.cases.registers import Written
from streams.processing import StateEntry

CASE: Final = "case"
SWEEP: Final = "sweep"
PARTIES: Final = "party/"
DUE: Final = "due/"
TASKS: Final = "due/task/"
EVENTS: Final = "due/event/"
DATES: Final = "due/date/"
RECIPES: Final = "recipe/"
TEXTS: Final = "text/"
CONFIRMATIONS: Final = "confirmed/"


def party_name(person_id: str) -> str:
    return f"{PARTIES}{person_id}"


def person_name(person_id: str) -> str:
    return f"person/{person_id}"


def number_name(number: str) -> str:
    return f"number/{number}"


def confirmation_name(event_id: str, person_id: str) -> str:
    return f"{CONFIRMATIONS}{event_id}/{person_id}"


def text_name(anchor: str, text_id: str) -> str:
    """`anchor`: the name of an anchor's entry, such as `due/event/hearing-1`."""
    return f"{TEXTS}{anchor.removeprefix(DUE)}/{text_id}"


def text_parts(name: str) -> tuple[str, str]:
    """The anchor's name and the text's id, from the name of its entry."""
    _, sort, identity, text_id = name.split("/")
    return f"{DUE}{sort}/{identity}", text_id


class CaseEntry(StateEntry):
    """`opened`, `launched` and so on say when a field was last written."""

    opened: Written | None = None
    title: str = ""
    reference: str | None = None
    case_type: str | None = None
    branch: str | None = None
    time_zone: str | None = None
    launched: Written | None = None
    """The first time counts; what comes later changes nothing."""
    closing: Written | None = None
    closed: bool = False
    reopened_at: datetime | None = None
    """When it was last opened again that had been closed."""
    mailing: Written | None = None
    notify_email: str | None = None
    audience: str = ""
    """The hash of who is due a text, as parties were last asked for opt-in."""
    version: int = 0
    """Of the case as it was last published."""
    published: str = ""
    """The hash of what was last published."""
    views: bool = False
    """Something has changed since that a reader would see: a large case is published
    later."""


class PartyEntry(StateEntry):
    presence: Written | None = None
    present: bool = False
    role_written: Written | None = None
    role: str = ""
    tying: Written | None = None
    tied_number: str | None = None
    switching: Written | None = None
    reminders: bool = True
    resumed_at: datetime | None = None
    """When reminders were last switched on that had been off."""

    linked: bool = False
    """People was asked to tell us of this person."""
    number: str | None = None
    """The number that a text would go to, as threads were last told."""
    told: str = ""
    """The hash of what threads were last told."""
    awaits: tuple[Awaited, ...] = ()


class Awaited(StateEntry):
    """A reminder has gone out that asks for a reply of this word."""

    event_id: str
    starts_at: str
    word: str
    until: datetime


class PersonEntry(StateEntry):
    known: bool
    name: str
    first_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    numbers: tuple[PersonNumber, ...] = ()
    version: int


class NumberEntry(StateEntry):
    people: tuple[str, ...] = ()
    asked: bool = False


class RecipeEntry(StateEntry):
    written: Written
    off: bool = False
    offset: str | None = None
    clock: str | None = None
    template: str | None = None

    @property
    def change(self) -> RecipeChange:
        return RecipeChange(
            off=self.off, offset=self.offset, clock=self.clock, template=self.template
        )


class When(StateEntry):
    """`TaskTime` as an entry."""

    now: bool = False
    time: str | None = None
    time_zone: str | None = None
    offset: str | None = None
    event_id: str | None = None
    date_name: str | None = None
    clock: str | None = None

    @property
    def task_time(self) -> TaskTime:
        return TaskTime(**{name: getattr(self, name) for name in TaskTime.model_fields})


class Progress(StateEntry):
    """How far an anchor has been worked off."""

    first_seen: datetime | None = None
    """When this processor first saw the anchor at its present time."""
    seen_time: str = ""
    """The time that `first_seen` is about."""
    armed: tuple[str, ...] = ()
    """What was still ahead when it was looked at."""
    over: tuple[str, ...] = ()
    """What was due and can be due to nobody else any more."""
    step: str = ""
    """A walk under way: `texts` or `parties`; empty: none."""
    after: str = ""
    """The last text or person that the walk has dealt with."""
    next_at: datetime | None = None
    """The earliest time that the walk has found so far."""
    latest_begin: datetime | None = None
    """Of all times that its event or date has had: texts of it are remembered until after it."""
    settings: str = ""
    """The version of the tenant's settings by which the walk under way began."""
    is_active: bool = False
    """Some text of it may be due now: a party that changes has to be looked at at once."""


class TaskEntry(StateEntry):
    scheduled: Written | None = None
    canceling: Written | None = None
    wording: Written | None = None
    template: str | None = None
    body: str | None = None
    addressing: Written | None = None
    roles: tuple[str, ...] = ()
    person_ids: tuple[str, ...] = ()
    timing: Written | None = None
    when: When = When(now=True)
    kind_written: Written | None = None
    kind: str = Kind.TRANSACTIONAL
    written_by: str | None = None
    undo_seconds: int | None = None
    by: str | None = None
    progress: Progress = Progress()

    @property
    def canceled(self) -> bool:
        if self.canceling is None:
            return False
        return self.scheduled is None or self.canceling.stamp > self.scheduled.stamp


class EventEntry(StateEntry):
    saved: Written | None = None
    canceling: Written | None = None
    title: str = ""
    event_type: str | None = None
    starts_at: str = ""
    time_zone: str | None = None
    location: str | None = None
    reminders: tuple[str, ...] = ()
    progress: Progress = Progress()
    told_next: datetime | None = None
    """When the next reminder is due."""

    @property
    def canceled(self) -> bool:
        if self.canceling is None:
            return False
        return self.saved is None or self.canceling.stamp > self.saved.stamp

    @property
    def sequence(self) -> int:
        return max((one.sequence for one in (self.saved, self.canceling) if one), default=0)


class DateEntry(StateEntry):
    written: Written | None = None
    date: str | None = None
    progress: Progress = Progress()


Anchor = TaskEntry | EventEntry | DateEntry


class TextEntry(StateEntry):
    person_id: str
    recipe: str | None = None
    starts_at: str | None = None
    """Of the event, as written, when the text was named."""
    recipe_version: str | None = None
    template: str | None = None
    template_version: str | None = None
    language: str | None = None
    due_at: datetime | None = None
    latest: datetime | None = None
    """When it is of no use any more."""
    true_until: datetime | None = None
    """When its words turn false."""
    state: str = TextState.REQUESTED
    issue: int = 0
    """How many requests it has had."""
    fingerprint: str = ""
    """Of number and words of the last request."""
    has_left: bool = False
    """The provider has or may have it: it never goes again."""
    by_us: bool = False
    """The case took it back, so it may go again."""
    reason: str | None = None
    alert: str | None = None
    """The message id of an alert that is open."""
    same_as: str | None = None
    """The entry of another text with the same words to the same number."""
    stands_for: tuple[str, ...] = ()
    """The entries of texts that were left out because of this one."""
    moves: int = 0
    """How often people have moved it to another number, as far as an answer has told."""
    answered: int = 0
    """The version of the outcome that was last told of that move."""
    version: int = 0
    """Counts what the log was told of it."""


class SweepEntry(StateEntry):
    after: str = ""


class ConfirmationEntry(StateEntry):
    starts_at: str
    at: datetime
