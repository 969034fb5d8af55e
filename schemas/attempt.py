"""One try at the provider: what dispatch did, and what the provider reported of it later."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from schemas.base import Message, Slug, UtcTime, Whole, document_words
from schemas.structs import struct


class AttemptState(StrEnum):
    QUEUED = "queued"
    """It waits its turn at the sender.  Not reported of a text whose call begins in the same
    transaction."""
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"
    CANCELED = "canceled"
    EXPIRED = "expired"
    GIVEN_UP = "given_up"
    """In doubt for good: a person dropped it, or 72 hours went by."""


class AttemptCode(StrEnum):
    """Our own codes, for what the provider has none for; `streams/error_codes/own.csv` explains
    each."""

    STOPPED = "stopped"
    """A STOP took the order back."""
    CANCELED = "canceled"
    """A Cancel took the order back."""
    SIGHTED = "sighted"
    """A second try was taken back: the first one got through."""
    ID_REUSED = "id_reused"
    OUT_OF_TIME = "out_of_time"
    OLD_ORDER = "old_order"
    """The order was more than 48 hours old when dispatch read it."""
    ASK_BUDGET = "ask_budget"
    """The hour's opt-in requests are used up."""
    NO_ROOM = "no_room"
    """The sender's queue is too long for it to leave in time."""
    UNSENT = "unsent"
    """The provider could not be reached."""
    LEASE_OVER = "lease_over"
    """The worker was not sure that the sender was still its own, so it made no call."""
    UNENCODABLE = "unencodable"
    UNCLEAR = "unclear"
    """The provider's list does not show whether it was sent."""
    ABSENT = "absent"
    """The provider's list shows that it was not sent."""
    RESEND = "resend"
    """Staff had an in-doubt text sent again."""
    DROPPED = "dropped"
    """Staff decided not to send an in-doubt text again."""
    TOO_LONG = "too_long"
    """In doubt for 72 hours."""
    ACCOUNT_PACE = "account_pace"
    """Other senders used up the account's pace, so no call was made.  While the account pauses for
    something that the provider said, the code is the provider's."""
    TOO_MANY = "429"
    """The provider answered 429 without a code of its own."""
    NOT_TAKEN = "refused"
    """The provider refused it and gave no code."""
    IN_DOUBT = "in_doubt"
    """The call was cut off: a sender's last error, never an attempt's."""
    RECALLED = "recalled"
    """The gate took the order back, to hold the text: its recipient may have opted out."""


class ReturnReason(StrEnum):
    """Why dispatch returns an order to the gate.  Its `expired` attempt has the same code."""

    OUT_OF_TIME = AttemptCode.OUT_OF_TIME
    OLD_ORDER = AttemptCode.OLD_ORDER
    ASK_BUDGET = AttemptCode.ASK_BUDGET
    NO_ROOM = AttemptCode.NO_ROOM
    ABSENT = AttemptCode.ABSENT
    RESEND = AttemptCode.RESEND
    RECALLED = AttemptCode.RECALLED


@struct
class Attempt(Message):
    """One try at the provider, as dispatch reports it step by step."""

    message_id: Slug
    tenant: Slug
    attempt: Whole
    """0 is the order itself, not tried yet: queued, canceled or expired before a call."""
    sender: str
    to: str | None = None
    state: AttemptState
    provider_id: str | None = None
    code: Annotated[str, document_words(AttemptCode)] | None = None
    """The provider's error code, or our own where the provider gave none."""
    segments: Whole | None = None
    """What the provider counts and will bill, if its answer says so."""
    at: UtcTime
    evidence: str | None = None

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"


@struct
class DeliveryReceipt(Message):
    """The provider's callback about an attempt."""

    message_id: Slug
    tenant: Slug
    attempt: Whole
    provider_id: str
    status: str
    error_code: str | None = None
    received_at: UtcTime
    foreign: bool | None = None
    """It names another account than the one that we send from.  We keep it, and do not act on
    it."""
    raw: dict[str, str] = {}
    """The callback's form, field by field.  New fields appear without notice, and are kept."""

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
