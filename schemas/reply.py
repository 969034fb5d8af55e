"""An inbound text resolved to the tenant it was meant for."""

from __future__ import annotations

from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.numbers import e164


class Reply(Message):
    """Published by the inbox.  `provider_id` is remembered, so that a replayed webhook changes nothing.

    `appended_at` is the broker's append time of the inbound record and `evidence` its place: consent that comes by
    text is dated and proved by those.  `carrier_stop`: the provider has taken it for a STOP."""

    tenant: Slug
    number: str
    sender: str
    provider_id: str
    body: str
    media: tuple[str, ...] = ()
    carrier_stop: bool | None = None
    received_at: UtcTime
    appended_at: UtcTime | None = None
    evidence: Evidence = Evidence()

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
