"""One text asked for, to a person rather than to a number."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime
from schemas.person import NumberType
from schemas.structs import struct


@struct
class PersonRequest(Message):
    """A SendRequest without a number: people finds it, now or when there is one, and asks the gate under the same id.
    `to` or `number_type` name one of the person's numbers that is not their mobile; the tenant's policy must allow it.
    """

    message_id: Slug
    tenant: Slug
    person_id: Slug
    to: str | None = None
    number_type: NumberType | None = None
    branch: str | None = None
    sender: str | None = None
    body: str
    kind: str
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

    @property
    def person_key(self) -> str:
        return f"{self.tenant}/{self.person_id}"
