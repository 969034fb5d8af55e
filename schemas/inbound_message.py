"""A text somebody sent us, as the provider gave it."""

from __future__ import annotations

from schemas.base import Message, UtcTime, Whole
from schemas.numbers import e164


class InboundMessage(Message):
    """`sender` is the number, short code or messaging service it was sent to: the one *we* text from.
    `carrier_stop`: the provider has taken it for a STOP, which may be by words that were told to it alone."""

    provider_id: str
    sender: str
    to_address: str
    number: str
    body: str
    num_segments: Whole = 1
    media: tuple[str, ...] = ()
    carrier_stop: bool | None = None
    received_at: UtcTime

    @property
    def sender_key(self) -> str:
        return f"{self.sender}/{e164(self.number)}"
