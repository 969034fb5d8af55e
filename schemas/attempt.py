"""One try at the provider."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.structs import struct


class AttemptState(StrEnum):
    QUEUED = "queued"
    """It waits for its turn at the sender.  Not reported of a text whose call begins in the same transaction."""
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"
    CANCELED = "canceled"
    EXPIRED = "expired"
    GIVEN_UP = "given_up"
    """In doubt, and nobody will clear it up: a person dropped it, or 72 hours went by."""


@struct
class Attempt(Message):
    """`code` is the provider's error code, or our own word where the provider never answered.

    `segments` is what the provider counts and will bill, where its answer says so.
    `attempt` 0 is the order itself, not tried yet (queued, canceled or expired before a call)."""

    message_id: Slug
    tenant: Slug
    attempt: Whole
    sender: str
    to: str | None = None
    state: AttemptState
    provider_id: str | None = None
    code: str | None = None
    segments: Whole | None = None
    at: UtcTime
    evidence: str | None = None

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
