"""A text that cannot be read may be a STOP: whoever it may have been meant for is told to hold everything."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.topics import CONSENT_EVENTS
from streams.inbound_keywords import Meaning
from streams.inbox.meant_for import meant_for
from streams.inbox.state import contacts_in
from streams.processing import InputRecord, Publication, Settings, StateStore, StepResult

_FAMILY: Final = re.compile(r"(.{1,128})/(\+[0-9]{3,15})")
"""A family by its record's key alone may be anything; only a number can be blocked."""


def on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """As wide as a STOP: every tenant that texted the number from this sender; if none is known to have, every tenant
    that shares it.  Where the key names no number, or no sender that we know, the dead letter is all there is."""
    entity_key = _FAMILY.fullmatch(state.entity_key)
    if entity_key is None:
        return StepResult()
    known, contacts = settings.senders.get(entity_key[1]), contacts_in(state)
    tenants = meant_for(Meaning.STOP, contacts, known.tenants if known else ())
    return StepResult(
        publish=tuple(_blocks(tenant, entity_key[1], entity_key[2], record) for tenant in tenants)
    )


def _blocks(tenant: str, sender: str, number: str, record: InputRecord) -> Publication:
    """Named by the record's place, by which staff find it among the dead letters."""
    event = ConsentEvent(
        event_id=f"{record.topic}:{record.partition}:{record.offset}:{record.at_ms}",
        tenant=tenant,
        number=number,
        sender=sender,
        action=ConsentAction.UNREADABLE,
        source=record.topic,
        at=record.at,
        evidence=Evidence(topic=record.topic, partition=record.partition, offset=record.offset),
    )
    return Publication(CONSENT_EVENTS, event)
