"""A text that cannot be read may be a STOP: whoever it may have been meant for is told to hold everything."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from schemas.base import Evidence
from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.topics import CONSENT_EVENTS
from streams.answers import Meaning
from streams.inbox.meant_for import meant_for
from streams.inbox.rows import contacts_in
from streams.step import Fact, Publication, Rows, Settings, Step

_FAMILY: Final = re.compile(r"(.{1,128})/(\+[0-9]{3,15})")
"""A family by its record's key alone may be anything; only a number can be blocked."""


def on_unreadable(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """As wide as a STOP: every tenant that texted the number from this sender; if none is known to have, every tenant
    that shares it.  Where the key names no number, or no sender that we know, the dead letter is all there is."""
    family = _FAMILY.fullmatch(rows.family)
    if family is None:
        return Step()
    known, contacts = settings.senders.get(family[1]), contacts_in(rows)
    tenants = meant_for(Meaning.STOP, contacts, known.tenants if known else ())
    return Step(publish=tuple(_blocks(tenant, family[1], family[2], fact) for tenant in tenants))


def _blocks(tenant: str, sender: str, number: str, fact: Fact) -> Publication:
    """Named by the record's place, by which staff find it among the dead letters."""
    event = ConsentEvent(
        event_id=f"{fact.topic}:{fact.partition}:{fact.offset}:{fact.at_ms}",
        tenant=tenant,
        number=number,
        sender=sender,
        action=ConsentAction.UNREADABLE,
        source=fact.topic,
        at=fact.at,
        evidence=Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset),
    )
    return Publication(CONSENT_EVENTS, event)
