"""An inbound text resolved to the tenant it was meant for."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164


class Reply(Message):
    """Published by the inbox.  `provider_id` is remembered, so that a replayed webhook changes nothing."""

    tenant: Slug
    number: str
    sender: str
    provider_id: str
    body: str
    media: tuple[str, ...] = ()
    received_at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
