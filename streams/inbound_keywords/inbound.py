"""The meaning of an inbound text, by all that came with it: inbox and gate read it alike."""

from __future__ import annotations

from typing import Final

from schemas.inbound import CarrierKeyword, InboundMessage, Reply
from schemas.keywords import normalize, strip_marks
from schemas.sender import is_messaging_service
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords.answers import forbid_yes
from streams.inbound_keywords.classification import Classification
from streams.inbound_keywords.classify import apply_carrier_keyword, classify_reply

CARRIER_WORDS: Final = frozenset(
    (
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
        *("start", "yes", "unstop", "help", "info"),
    )
)
"""The whole texts that Twilio answers where nothing else is set up, in English alone (help article
223134027)."""


def classify_inbound(
    message: InboundMessage | Reply, tenant: TenantSettings | None = None
) -> Classification:
    """Whether it answers an opt-in request, the caller knows."""
    is_service = is_messaging_service(message.sender)
    sender = (message.to_address if is_service else None) or message.sender
    found = classify_reply(message.body, tenant, sender)
    found = apply_carrier_keyword(found, message.body, carrier_keyword(message))
    return forbid_yes(found, message.body)


def carrier_keyword(message: InboundMessage | Reply) -> str | None:
    """What the provider took it for; older records only know of a STOP."""
    return message.carrier_keyword or (CarrierKeyword.STOP if message.carrier_stop else None)


def is_carrier_word(body: str) -> bool:
    return strip_marks(normalize(body)) in CARRIER_WORDS
