"""One text asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164
from schemas.structs import struct


class Kind(StrEnum):
    """What a text is for; consent, lane and later quiet hours depend on it."""

    TRANSACTIONAL = "transactional"
    DIRECT = "direct"
    REMINDER = "reminder"
    ALERT = "alert"
    FOLLOW_UP = "follow_up"
    MARKETING = "marketing"
    TEST = "test"


@struct
class Resolved(Message):
    """What people did with a person-request before it came to the gate: `request_id` is the person-request's own id,
    `received_at` when people first had it, `decided` how many decisions it published under this message id."""

    person_id: Slug
    request_id: Slug
    received_at: UtcTime
    decided: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@struct
class SendRequest(Message):
    """Producers publish it; (tenant, message_id) is its identity and its idempotency key.

    `kind` is read as any word, so that a newer producer's kind reaches the gate and gets an answer there.
    `event_at` and `event_title` ("hearing") are when and what the event is that the text is about: if it does not
    arrive, staff are told what is at stake (`sms.alerts`).
    """

    message_id: Slug
    tenant: Slug
    branch: str | None = None
    to: str
    sender: str | None = None
    body: str
    kind: str
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: UtcTime | None = None
    event_title: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    not_before: UtcTime | None = None
    valid_until: UtcTime | None = None
    resend_of: Slug | None = None
    requested_at: UtcTime
    requested_by: str | None = None
    resolved: Resolved | None = None
    """Set by the people room only: the gate tells it what became of the request."""

    @property
    def number(self) -> str:
        return e164(self.to)

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.to)}"
