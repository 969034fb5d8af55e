"""The gate's order to dispatch to send a text, and its return if it could not leave."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from schemas.attempt import ReturnReason
from schemas.base import Message, Slug, UtcTime, Whole, document_words
from schemas.numbers import e164
from schemas.structs import struct


class Priority(StrEnum):
    """Which texts go first at a sender.  A lower one never goes before a higher one."""

    REPLY = "reply"
    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"
    MARKETING = "marketing"


@struct
class Send(Message):
    """Send this text once, at the sender's pace."""

    message_id: Slug
    tenant: Slug
    to: str
    sender: str
    body: str
    kind: str
    case_id: str | None = None
    lane: Priority
    segments: Whole = 1
    consent_epoch: Whole
    """It was decided under this epoch.  A Stop with a higher one cancels it wherever it is."""
    not_before: UtcTime | None = None
    send_before: UtcTime
    """What cannot leave by then returns to the gate."""
    issued_at: UtcTime
    attempt: Whole = 0
    """Its attempts are numbered from here: above all that were reported of this message before, at
    whichever sender.  0 for a text that was never ordered."""

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"


@struct
class Returned(Message):
    """An order that dispatch could not send in its time.  The gate evaluates it again by what it
    knows then."""

    order: Send
    reason: str
    """In words."""
    at: UtcTime
    until: UtcTime | None = None
    """There is no room for it before: in the tenant's budget for opt-in requests (`ask_budget`), or
    at its sender (`no_room`)."""
    code: Annotated[str, document_words(ReturnReason)] = ""
    attempt: Whole = 0
    """The last number under which an attempt was reported."""

    @property
    def number_key(self) -> str:
        return f"{self.order.tenant}/{e164(self.order.to)}"
