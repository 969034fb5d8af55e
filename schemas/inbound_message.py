"""A text somebody sent us, as the provider gave it."""

from __future__ import annotations

from schemas.base import Message, UtcTime, Whole
from schemas.numbers import e164


class InboundMessage(Message):
    """`sender` is the number, short code or messaging service it was sent to: the one *we* text from."""

    provider_id: str
    sender: str
    to_address: str
    number: str
    body: str
    num_segments: Whole = 1
    media: tuple[str, ...] = ()
    received_at: UtcTime

    @property
    def sender_key(self) -> str:
        return f"{self.sender}/{e164(self.number)}"
