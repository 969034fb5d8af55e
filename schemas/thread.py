"""Conversations: all texts between a tenant and a number, and what staff did about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, Tag

from schemas.base import Message, Slug, UtcTime, Whole, document_words
from schemas.numbers import e164
from schemas.tagged import UNKNOWN, by_type


class _ThreadChange(Message):
    tenant: Slug
    number: str
    change_id: Slug
    """A repeat changes nothing."""
    by: Annotated[str, Field(min_length=1, max_length=200)]
    """A member of staff, by name."""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


class NoteAdded(_ThreadChange):
    """Words for colleagues; nobody is texted."""

    type: Literal["note_added"] = "note_added"
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    case_id: Slug | None = None


class Answered(_ThreadChange):
    """Answered otherwise: by phone, by letter.  An answer by text is seen by itself."""

    type: Literal["answered"] = "answered"
    inbound_id: str | None = None
    """The last text that they had read: one that came later still waits.  Left out, all."""
    note: Annotated[str, Field(max_length=4000)] = ""


class NoAnswerNeeded(_ThreadChange):
    """Somebody has read it, and no answer is due: nobody waits any more."""

    type: Literal["no_answer_needed"] = "no_answer_needed"
    inbound_id: str | None = None
    """The last text that they had read: one that came later still waits.  Left out, all."""


class Assigned(_ThreadChange):
    """Who answers from now on.  It does not answer anything by itself."""

    type: Literal["assigned"] = "assigned"
    to: Annotated[str, Field(max_length=200)] | None = None
    """A member of staff, by name; left out, nobody."""


class MovedToCase(_ThreadChange):
    """The text belongs to another case than the one that it was filed with."""

    type: Literal["moved_to_case"] = "moved_to_case"
    inbound_id: str
    case_id: Slug | None = None
    """Left out: to no case, the tenant's unassigned inbox."""


_KNOWN = ("answered", "assigned", "moved_to_case", "no_answer_needed", "note_added")


class UnknownThreadEvent(Message):
    """A change of a newer version: counted and ignored, and no dead letter."""

    type: str = Field(json_schema_extra={"not": {"enum": list(_KNOWN)}})
    tenant: Slug
    number: str

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


ThreadEvent = Annotated[
    Annotated[NoteAdded, Tag("note_added")]
    | Annotated[Answered, Tag("answered")]
    | Annotated[NoAnswerNeeded, Tag("no_answer_needed")]
    | Annotated[Assigned, Tag("assigned")]
    | Annotated[MovedToCase, Tag("moved_to_case")]
    | Annotated[UnknownThreadEvent, Tag(UNKNOWN)],
    by_type(_KNOWN),
]


class ThreadMessage(Message):
    """From outcomes to threads: a text of a case, or one that a person wrote, and where it
    stands."""

    tenant: Slug
    number: str
    message_id: Slug
    kind: str
    case_id: Slug | None = None
    person_id: Slug | None = None
    written_by: str | None = None
    """The member of staff who wrote it by hand."""
    sender: str | None = None
    requested_at: UtcTime | None = None
    """When it was written: an inbound text that came later is not answered by it."""
    state: str
    """As in `Outcome.state`."""
    error_code: str | None = None
    final: bool
    version: Whole
    """Of the outcome."""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


class InboundUse(StrEnum):
    """What an inbound text is to a thread."""

    WAITS = "waits"
    """A person has to answer it."""
    KEYWORD = "keyword"
    """STOP, START or HELP, or an answer to an opt-in request: Sayso answers."""
    REACTION = "reaction"
    """Such as "Liked ..."."""
    CONFIRMATION = "confirmation"
    """It confirms an event."""


class FiledText(Message):
    """An inbound text, and the case that it was filed with."""

    inbound_id: str
    case_id: Slug | None = None
    """The case that texted last, or was chosen by staff; None: the tenant's unassigned inbox."""
    others: tuple[Slug, ...] = ()
    """Other open cases that it may be about."""
    person_ids: tuple[Slug, ...] = ()
    """Who has this number."""
    use: Annotated[str, document_words(InboundUse)]
    on_closed_case: bool = False
    at: UtcTime


class Thread(Message):
    """How a conversation stands now."""

    tenant: Slug
    number: str
    waiting_since: UtcTime | None = None
    """When the oldest text came that still waits for an answer; opening a thread changes nothing.
    """
    waiting_texts: Whole = 0
    last_inbound: FiledText | None = None
    last_waiting: FiledText | None = None
    """The last text that waits: a reaction or keyword may have come after it."""
    last_in_at: UtcTime | None = None
    last_out_at: UtcTime | None = None
    last_out_by: str | None = None
    """The member of staff; None: it was automatic."""
    cases: tuple[Slug, ...] = ()
    """Open cases with a party of this number; the one that spoke last comes first."""
    person_ids: tuple[Slug, ...] = ()
    assigned_to: str | None = None
    version: Whole
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"

    @property
    def to_answer(self) -> FiledText | None:
        """What to show of it: the text that waits, else the last."""
        return self.last_waiting or self.last_inbound


class MailReason(StrEnum):
    REPLY = "reply"
    """Somebody has texted."""
    UNANSWERED = "unanswered"
    """They still wait for an answer."""


class MailRequest(Message):
    """A mail to staff.  Mail goes one way: an answer to it is never texted."""

    tenant: Slug
    mail_id: Slug
    """From the tenant and the inbound text: the same mail has the same Message-ID."""
    to: Annotated[str, Field(max_length=254)]
    reason: Annotated[str, document_words(MailReason)]
    number: str
    last_digits: str | None = None
    """Of the number, where the tenant shows them."""
    names: tuple[str, ...] = ()
    case_id: Slug | None = None
    case_title: str = ""
    texts: Whole = 1
    """Inbound texts that this mail is about."""
    inbound_id: str
    """The last of them."""
    waiting_since: UtcTime | None = None
    at: UtcTime
