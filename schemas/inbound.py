"""Texts that people send us: as the provider gave them, and resolved to a tenant."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from schemas.base import Evidence, Message, Slug, UtcTime, Whole, document_words
from schemas.numbers import e164
from schemas.structs import struct


class CarrierKeyword(StrEnum):
    """What a provider takes a text for: its own words, or words that it alone was told (Twilio's
    `OptOutType`)."""

    STOP = "stop"
    START = "start"
    HELP = "help"


class InboundMessage(Message):
    """A text that somebody sent us, as the provider gave it."""

    provider_id: str
    sender: str
    """The number, short code or messaging service that it was sent to: the one that *we* text
    from."""
    to_address: str
    number: str
    body: str
    num_segments: Whole = 1
    media: tuple[str, ...] = ()
    carrier_stop: bool | None = None
    """The provider treats it as a STOP.  It may have keywords that only it was told."""
    carrier_keyword: Annotated[str, document_words(CarrierKeyword)] | None = None
    """What the provider takes it for, and has answered.  `carrier_stop` says the same of a STOP,
    for older readers."""
    received_at: UtcTime

    @property
    def sender_key(self) -> str:
        return f"{self.sender}/{e164(self.number)}"


@struct
class Contact(Message):
    """A tenant's text to a number leaves a sender, or is about to.

    The gate says what is ordered (`queued`), in the transaction of the order.  Dispatch says what
    leaves, in the transaction before the call.  So the inbox knows whose reply a text may be before
    ours is out."""

    sender: str
    number: str
    tenant: Slug
    asked: bool = False
    """The text is an opt-in request."""
    unasked: bool = False
    """The opt-in request that was ordered `at` has failed: refused, not delivered, or returned."""
    queued: bool | None = None
    """It is ordered and has not left: a STOP may be meant for this tenant, a yes may not.  Missing
    in a record of a version that only told of orders: it counts as one that left `at`."""
    untaken: bool | None = None
    """The text that left `at` was surely not taken by the provider: it has reached nobody."""
    at: UtcTime

    @property
    def sender_key(self) -> str:
        return f"{self.sender}/{e164(self.number)}"


class Reply(Message):
    """An inbound text, resolved to a tenant that it was meant for."""

    tenant: Slug
    number: str
    sender: str
    provider_id: str
    """The inbox remembers it: a replayed webhook changes nothing."""
    body: str
    media: tuple[str, ...] = ()
    carrier_stop: bool | None = None
    """The provider treats it as a STOP."""
    carrier_keyword: Annotated[str, document_words(CarrierKeyword)] | None = None
    """What the provider takes it for, and has answered."""
    confirmed_by: Slug | None = None
    """Of a STOP that is for several tenants of a shared sender: the one that confirms it."""
    to_address: str | None = None
    """The number that it was sent to, where the sender is a messaging service."""
    after_request: bool | None = None
    """An opt-in request of the tenant was unanswered when it came, as far as the inbox knows."""
    unmonitored: bool | None = None
    """Nobody reads what is sent to this sender, and it is time to say so again: at most once in 24
    hours for a number at a sender."""
    received_at: UtcTime
    appended_at: UtcTime | None = None
    """The broker's append time of the inbound record: consent that comes by text has this date."""
    evidence: Evidence = Evidence()
    """Where the inbound record stands: the proof of such consent."""

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
