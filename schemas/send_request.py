"""One text requested: the request, its cancel, and what staff do with one that failed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Message, RequestContext, Slug, UtcTime, document_words
from schemas.numbers import e164
from schemas.structs import struct


class Kind(StrEnum):
    """What a text is for.  Consent, priority and quiet hours depend on it."""

    TRANSACTIONAL = "transactional"
    DIRECT = "direct"
    REMINDER = "reminder"
    ALERT = "alert"
    FOLLOW_UP = "follow_up"
    MARKETING = "marketing"
    TEST = "test"


class SystemKind(StrEnum):
    """Kinds of texts that Sayso starts by itself; no producer can request one.

    Each begins with a decision of the gate, so that the reconciliation counts it too."""

    CONSENT_ASK = "consent_ask"
    STOP_CONFIRMATION = "stop_confirmation"
    START_CONFIRMATION = "start_confirmation"
    HELP_ANSWER = "help_answer"
    OPT_IN_HINT = "opt_in_hint"
    """How to opt in, once, for somebody who answered an opt-in request by "ok" or the like."""
    UNMONITORED_ANSWER = "unmonitored_answer"
    """Nobody reads what is sent to this sender, and whom to contact instead."""


@struct
class Resolved(Message):
    """What people did with a person-request before it came to the gate."""

    person_id: Slug
    request_id: Slug
    """The person-request's own id."""
    received_at: UtcTime
    """When people first had it."""
    decided: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How many decisions people published under this message id."""


UNDO_AT_MOST: int = 600
UndoSeconds = Annotated[int, Field(ge=1, le=UNDO_AT_MOST)]


@struct
class SendRequest(RequestContext):
    """One text requested by a producer.  Tenant and message id are its identity: a repeat of both
    is never sent twice.

    If a text about an event does not arrive, staff get an alert that says what is at stake."""

    to: str
    body: str
    postal_region: str | None = None
    """Where the recipient lives, as US-NY: for the states' own hours."""
    not_before: UtcTime | None = None
    resend_of: Slug | None = None
    """The text that this one is sent again for."""
    undo_seconds: UndoSeconds | None = None
    """The gate holds it for so long from when it first sees it, so that whoever sent it can
    withdraw it."""
    resolved: Resolved | None = None
    """Only people sets it: the gate answers people about the request."""

    @property
    def number(self) -> str:
        return e164(self.to)

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.to)}"


class CancelSource(StrEnum):
    """Who cancels a request, where it is not staff by name."""

    PEOPLE = "people"
    """The person's number has changed: the text is still wanted, and people requests it again."""
    CASES = "cases"
    """The case does not want it any more, or wants it with other words."""
    OUTCOMES = "outcomes"
    """The provider reports that an earlier try went out after all: it must not go a second time."""


class CancelRequest(Message):
    """Take a request back before it leaves.  To the gate, under the number that the request was
    for.

    What waits at the gate is canceled.  What was ordered is taken back at dispatch if no call
    has begun.  Any other decision stays.  A cancel that comes before its request waits for it."""

    tenant: Slug
    number: str
    message_id: Slug
    reason: str = ""
    by: Annotated[str, document_words(CancelSource)] = ""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


class Dismissal(Message):
    """Staff have seen that a text failed, and need no reminder of it.

    It leaves the Outbox and no longer needs attention.  Its outcome stays as it is."""

    tenant: Slug
    message_id: Slug
    by: str
    at: UtcTime

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
