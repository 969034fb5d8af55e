"""A case as it stands, its texts, and what goes between the cases processor and others."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final

from schemas.base import Day, Message, Slug, UtcTime, Whole, document_words
from schemas.case_event import RecipeChange, TaskTime
from schemas.numbers import e164
from schemas.person import PersonNumber
from schemas.send_request import UndoSeconds


class Readiness(StrEnum):
    """Whether a party can be texted; the first that is not so, in this order."""

    NO_NUMBER = "no_number"
    NOT_SMS_ENABLED = "not_sms_enabled"
    NOT_OPTED_IN = "not_opted_in"
    OPTED_OUT = "opted_out"
    READY = "ready"


class Party(Message):
    """A person in a case, as the case knows them."""

    person_id: Slug
    role: str
    name: str = ""
    number: str | None = None
    """The one that a text would go to now, in E.164."""
    tied_number: str | None = None
    """The number that was named for this case."""
    reason: Annotated[str, document_words(Readiness)] | None = None
    """Why no text can go, as far as the person's record says."""
    reminders: bool = True
    since: UtcTime | None = None
    """When they became a party."""
    role_since: UtcTime | None = None
    switched_at: UtcTime | None = None
    """When their reminders were last switched on or off."""


class CaseTask(Message):
    task_id: Slug
    template: Slug | None = None
    body: str | None = None
    roles: tuple[str, ...] = ()
    person_ids: tuple[Slug, ...] = ()
    when: TaskTime
    due_at: UtcTime | None = None
    """None: nobody knows yet."""
    kind: str
    canceled: bool = False
    written_by: str | None = None
    undo_seconds: UndoSeconds | None = None
    """See `SendRequest.undo_seconds`."""
    saved_at: UtcTime | None = None
    """When it was scheduled, or last put off."""


class Confirmation(Message):
    """Somebody has confirmed by reply that they will come."""

    person_id: Slug
    at: UtcTime


class CaseCalendarEvent(Message):
    event_id: Slug
    title: str
    event_type: str | None = None
    starts_at: str
    """As it was written."""
    time_zone: str
    at: UtcTime
    """The instant."""
    all_day: bool = False
    location: str | None = None
    reminders: tuple[str, ...] = ()
    sequence: Whole = 0
    canceled: bool = False
    confirmed: tuple[Confirmation, ...] = ()
    next_reminder_at: UtcTime | None = None
    """When the next reminder of it is due, to whomever."""
    saved_at: UtcTime | None = None
    """When it was last decided so."""


class Case(Message):
    """The whole case, for everybody who reads."""

    tenant: Slug
    case_id: Slug
    title: str = ""
    """Empty: no CaseOpened has come yet."""
    reference: str | None = None
    case_type: str | None = None
    branch: Slug | None = None
    time_zone: str
    launched_at: UtcTime | None = None
    closed: bool = False
    closing_at: UtcTime | None = None
    """When it was last closed or reopened."""
    parties: tuple[Party, ...] = ()
    tasks: tuple[CaseTask, ...] = ()
    events: tuple[CaseCalendarEvent, ...] = ()
    dates: dict[Slug, Day] = {}
    notify_email: str | None = None
    recipes: dict[Slug, RecipeChange] = {}
    is_cut: bool = False
    """The case is larger than a record can be: long texts are cut, or parties left out."""
    version: Whole
    """Counts what was published from 1; Send refuses a preview of another one."""
    at: UtcTime

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class TextState(StrEnum):
    """Where a text of a case stands, as far as the case is concerned."""

    REQUESTED = "requested"
    """Its request is with people, the gate or dispatch."""
    CANCELING = "canceling"
    """Taken back; not yet confirmed."""
    CANCELED = "canceled"
    SENT = "sent"
    """The provider has it."""
    ARRIVED = "arrived"
    FAILED = "failed"
    """It is not tried again by itself."""
    TOO_LATE = "too_late"
    """Of no use any more; nobody was texted.  Somebody should call."""
    SKIPPED = "skipped"
    """It was late when it became known, and its recipe says to leave it out then."""
    NOT_RENDERED = "not_rendered"
    """A value was missing, or the text came out unsendable."""


CASE_TEXT: Final = re.compile(r"t-[0-9a-f]{16}(?:\.[1-9][0-9]{0,5})?")
"""A text's name, and its count where it was taken back and requested again."""


def is_case_text_id(request_id: str) -> bool:
    """Whether the cases processor requested a text under this id: then it is told what became of
    it."""
    return CASE_TEXT.fullmatch(request_id) is not None


class CaseText(Message):
    """What the cases processor did about one text to one person: so anybody can tell which recipe,
    event and version made it.  The latest of a `text_id` holds, by `version`."""

    tenant: Slug
    case_id: Slug
    text_id: Slug
    """Names (case, event and its time, recipe, person), or (case, task, person): a text of this
    name leaves at most once."""
    message_id: Slug | None = None
    """The request's id; a text that was taken back and is wanted again gets a new one."""
    person_id: Slug
    state: Annotated[str, document_words(TextState)]
    task_id: Slug | None = None
    event_id: Slug | None = None
    date_name: Slug | None = None
    """The named date that it is about."""
    event_starts_at: str | None = None
    """The event's time that this text was made for, as written."""
    recipe: str | None = None
    recipe_version: str | None = None
    """The first 12 hex digits of the hash of what the recipe and its template said."""
    template: str | None = None
    template_version: str | None = None
    """What the template said then is on `sms.templates`."""
    language: str | None = None
    due_at: UtcTime | None = None
    reason: str | None = None
    """Why it ended so, as a rule's name."""
    says: str | None = None
    """The same in words, with what to do."""
    may_return: bool = False
    """It was taken back by the case, and goes again if it is wanted again."""
    version: Whole
    at: UtcTime

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class CaseLink(Message):
    """From cases to people: whether this case wants to hear of this person's changes."""

    tenant: Slug
    person_id: Slug
    case_id: Slug
    wanted: bool
    at: UtcTime

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"


class CasePerson(Message):
    """From people to cases: a party's record, now and whenever it changes."""

    tenant: Slug
    case_id: Slug
    person_id: Slug
    known: bool = True
    """False: nobody is on record under this id, or they were deleted."""
    name: str = ""
    first_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    numbers: tuple[PersonNumber, ...] = ()
    version: Whole
    """Counts the changes of the person: an older one is ignored."""
    at: UtcTime

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class CaseAnswer(Message):
    """What became of a text of the case: from outcomes, and from people where nothing is under way
    any more of what the case has taken back."""

    tenant: Slug
    case_id: Slug
    request_id: Slug
    """The id that the case asked under."""
    message_id: Slug
    """The id that it went under; it differs if it moved to another number."""
    state: str
    """As in `Outcome.state`."""
    error_code: str | None = None
    rule: str | None = None
    """The strictest finding's rule, of what was held or ended by a decision."""
    final: bool
    version: Whole
    """Of the outcome."""
    confirms_cancel: bool = False
    """From people: it is not issued again under another id.  A canceled outcome alone does not say
    that, because people cancels a text that moves to another number."""
    at: UtcTime

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class CaseReply(Message):
    """From threads to cases: a reply that confirms an event."""

    tenant: Slug
    case_id: Slug
    person_id: Slug
    event_id: Slug
    event_starts_at: str
    """The event's time that was confirmed, as written."""
    provider_id: str
    at: UtcTime

    @property
    def case_key(self) -> str:
        return f"{self.tenant}/{self.case_id}"


class AwaitedConfirmation(Message):
    """A reminder has gone out that asks for a reply of this word."""

    event_id: Slug
    event_starts_at: str
    word: str
    until: UtcTime
    """The event's start."""


class CaseNumber(Message):
    """From cases to threads: a party of a case has this number.  The latest of (case, person)
    holds."""

    tenant: Slug
    number: str
    case_id: Slug
    person_id: Slug
    title: str = ""
    name: str = ""
    role: str = ""
    notify_email: str | None = None
    closed: bool = False
    left: bool = False
    """They have another number now, or are no party any more."""
    awaits: tuple[AwaitedConfirmation, ...] = ()
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
