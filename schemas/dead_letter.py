"""Records that could not be processed, and what staff did about them."""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated

from schemas.base import Message, UtcTime, Whole, document_words


class DeadLetterCause(StrEnum):
    INVALID = "invalid"
    """It does not fit its schema."""
    TOO_LARGE = "too_large"
    """It, or a field of it, is larger than such a record is."""
    TOMBSTONE = "tombstone"
    """It has no value."""
    BAD_HEADER = "bad_header"
    """A header cannot be read."""
    KEY_TOO_LONG = "key_too_long"
    MISFILED = "misfiled"
    """It came back to a partition where it does not belong."""
    ID_REUSED = "id_reused"
    """Another text has its id."""
    ID_RESERVED = "id_reserved"
    """Only Sayso gives ids of this form."""
    UNKNOWN_ORDER = "unknown_order"
    """It returns an order that the gate never gave."""
    UNKNOWN_SENDER = "unknown_sender"
    """It came to a sender that has not been applied."""
    NOBODY_TEXTED = "nobody_texted"
    """It came to a shared sender from a number that nobody texted."""
    STANDS_STILL = "stands_still"
    """No record: its topic's partition stands still there, because too many records before it
    became dead letters."""
    NOT_A_NUMBER = "not_a_number"
    """What it says of consent is about no number that could be texted."""
    UNKNOWN_TENANT = "unknown_tenant"
    """What it says of consent is for a tenant that nobody has applied."""
    MAIL_REFUSED = "mail_refused"
    """A mail to staff that the mail server refuses for good, or that has no usable address."""


class DeadLetter(Message):
    """A record that could not be read or processed: its bytes, where it stood, and why.

    `key`, `value` and header values are base64.  None stays None: a tombstone is not an empty
    value."""

    room: str
    """The processor, or `notify` for mails."""
    topic: str
    partition: Whole
    offset: Whole
    timestamp: UtcTime
    key: str | None = None
    value: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    cause: Annotated[str, document_words(DeadLetterCause)]
    reason: str
    """What staff can do."""
    at: UtcTime

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}"

    @property
    def value_bytes(self) -> bytes | None:
        return None if self.value is None else base64.b64decode(self.value)


class DeadLetterAction(StrEnum):
    REPLAYED = "replayed"
    """Written to its own topic again, as it was or corrected."""
    DROPPED = "dropped"
    """Looked at, and not needed."""


class LetterResolution(Message):
    """What a person did about a dead letter.  A letter is replayed once: the record and this are
    written in one transaction."""

    topic: str
    """Where the unreadable record stood."""
    source_partition: Whole
    partition: Whole
    """With `offset`: where the letter stands on sms.dead-letters."""
    offset: Whole
    action: DeadLetterAction
    by: str
    reason: str = ""
    mended: bool = False
    """The value was changed before it was replayed."""
    at: UtcTime

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.source_partition}"
