"""What the provider reported of an attempt."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.structs import struct


@struct
class DeliveryReceipt(Message):
    """`raw` is the callback's form, field by field: new fields appear without notice and are kept.
    `foreign`: the callback names another account than the one that we send from; it is kept and not believed."""

    message_id: Slug
    tenant: Slug
    attempt: Whole
    provider_id: str
    status: str
    error_code: str | None = None
    received_at: UtcTime
    foreign: bool | None = None
    raw: dict[str, str] = {}

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
