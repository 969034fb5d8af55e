"""Make an event of a Kafka record, for one endpoint.  Pure."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentChange
from schemas.inbound import Reply
from schemas.numbers import e164, mask_text
from schemas.outcome import Outcome
from schemas.topics import CONSENT_LOG, OUTCOMES, REPLIES
from services.event_webhooks.event_types import (
    CONSENT_RECORDED,
    REPLY_RECEIVED,
    TEST,
    ConsentData,
    ConsentWebhook,
    EventModel,
    Group,
    MessageData,
    MessageWebhook,
    ReplyData,
    ReplyWebhook,
    TrialData,
    TrialWebhook,
)

TOPICS: Final = (OUTCOMES, CONSENT_LOG, REPLIES)
"""What events are made of."""
ID_PREFIX: Final = "evt_"

Fact = Outcome | ConsentChange | Reply


class Wishes(NamedTuple):
    """What an endpoint asks for beside the facts."""

    numbers: bool = False
    texts: bool = False


class Event(NamedTuple):
    id: str
    """The `webhook-id`."""
    type: str
    tenant: str
    at: datetime
    fact: Fact


def read_event(topic: str, key: bytes | None, value: bytes) -> Event:
    """Raises pydantic's ValidationError for a record that cannot be read."""
    identity = make_event_id(topic, key, value)
    if topic == OUTCOMES.name:
        outcome = OUTCOMES.decode(value)
        name = f"{Group.MESSAGE}.{outcome.state}"
        return Event(identity, name, outcome.tenant, outcome.at, outcome)
    if topic == CONSENT_LOG.name:
        change = CONSENT_LOG.decode(value)
        return Event(identity, _consent_type(change), change.tenant, change.at, change)
    reply = REPLIES.decode(value)
    return Event(identity, REPLY_RECEIVED, reply.tenant, reply.received_at, reply)


def make_event_id(topic: str, key: bytes | None, value: bytes) -> str:
    """The same for the same record wherever it stands: read again, or copied to another cluster.

    A position would name another event once a topic is created again.  A record holds its message's
    version, its number's place in the log or the provider's id, so no two facts are equal."""
    parts = (topic.encode(), key or b"", value)
    digest = hashlib.sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()
    return ID_PREFIX + base64.b32encode(digest[:20]).decode().lower()


def build_body(event: Event, wishes: Wishes) -> bytes:
    """The JSON that is signed and sent: numbers and texts only where the endpoint wants them."""
    payload: EventModel
    match event.fact:
        case Outcome():
            payload = MessageWebhook(
                type=event.type, timestamp=event.at, data=_message(event.fact, wishes)
            )
        case ConsentChange():
            payload = ConsentWebhook(
                type=event.type, timestamp=event.at, data=_consent(event.fact, wishes)
            )
        case Reply():
            payload = ReplyWebhook(
                type=event.type, timestamp=event.at, data=_reply(event.fact, wishes)
            )
    return payload.model_dump_json(exclude_none=True).encode()


def build_trial_body(tenant: str, endpoint: str, at: datetime) -> bytes:
    payload = TrialWebhook(
        type=TEST, timestamp=at, data=TrialData(tenant=tenant, endpoint=endpoint)
    )
    return payload.model_dump_json().encode()


def _consent_type(change: ConsentChange) -> str:
    if not change.applied or change.was == change.now:
        return CONSENT_RECORDED
    return f"{Group.CONSENT}.{change.now}"


_SAME: Final = tuple(name for name in MessageData.model_fields if name != "number")
"""Fields that a message's event has from its outcome, by the same name."""


def _message(outcome: Outcome, wishes: Wishes) -> MessageData:
    fields: dict[str, Any] = {name: getattr(outcome, name) for name in _SAME}
    return MessageData(number=outcome.to if wishes.numbers else None, **fields)


def _consent(change: ConsentChange, wishes: Wishes) -> ConsentData:
    return ConsentData(
        tenant=change.tenant,
        number=change.number if wishes.numbers else None,
        version=change.seq,
        was=change.was,
        now=change.now,
        applied=change.applied,
        action=change.action,
        source=change.source,
        reason=mask_text(change.reason) if not wishes.numbers else change.reason,
        flagged=change.flagged,
        sender=change.sender,
        claim_id=change.event_id,
        claimed_at=change.claimed_at,
        at=change.at,
        text=change.evidence.text if wishes.texts else None,
    )


def _reply(reply: Reply, wishes: Wishes) -> ReplyData:
    return ReplyData(
        reply_id=reply.provider_id,
        tenant=reply.tenant,
        number=e164(reply.number) if wishes.numbers else None,
        sender=reply.sender,
        received_at=reply.received_at,
        keyword=reply.carrier_keyword,
        media_count=len(reply.media),
        text=reply.body if wishes.texts else None,
        media=reply.media if wishes.texts and reply.media else None,
    )
