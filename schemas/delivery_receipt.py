"""What the provider reported of an attempt."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime, Whole


class DeliveryReceipt(Message):
    """`raw` is the callback's form, field by field: new fields appear without notice and are kept."""

    message_id: Slug
    tenant: Slug
    attempt: Whole
    provider_id: str
    status: str
    error_code: str | None = None
    received_at: UtcTime
    raw: dict[str, str] = {}

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
