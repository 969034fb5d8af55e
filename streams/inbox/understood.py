"""What a text means to each tenant that it may be meant for: each has its own words and locales."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.inbound_message import InboundMessage
from schemas.tenant_settings import TenantSettings
from streams.inbound_keywords import Answered, Meaning, as_the_carrier, read_answer
from streams.processing import Settings

Readings = Mapping[str, Answered]
"""By tenant."""

STRONGEST_FIRST: Final = (
    Meaning.STOP,
    Meaning.REVOKE,
    Meaning.START,
    Meaning.YES,
    Meaning.HELP,
    Meaning.NONE,
)


def readings(inbound: InboundMessage, tenants: Iterable[str], settings: Settings) -> Readings:
    return {tenant: _read(inbound, settings.tenants.get(tenant)) for tenant in sorted(set(tenants))}


def _read(inbound: InboundMessage, tenant: TenantSettings | None = None) -> Answered:
    return as_the_carrier(read_answer(inbound.body, tenant), inbound.body, inbound.carrier_stop)


def strongest(read: Readings, inbound: InboundMessage) -> Meaning:
    """What decides whose text it is.  A tenant to which it means less gets it too, and acts by its own reading."""
    meanings = {answered.meaning for answered in read.values()} or {_read(inbound).meaning}
    return min(meanings, key=STRONGEST_FIRST.index)
