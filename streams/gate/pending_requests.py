"""Requests on their way through the gate: those that were made, and those that Sayso makes
itself."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas.base import Evidence
from schemas.send_request import SendRequest, SystemKind
from streams.gate.consent_claims import Claim
from streams.gate.messages import SYSTEM, fingerprint, system_message_id
from streams.gate.state import HeldRequest, MessageState


class PendingRequest(NamedTuple):
    """A request to evaluate."""

    request: SendRequest
    message: MessageState
    cause: Evidence
    """The record that makes us evaluate it, now or again."""
    held: HeldRequest | None = None
    """How it waited."""
    claim: Claim | None = None
    """Who asked for it, if it is an opt-in request."""


class SystemMessage(NamedTuple):
    """A text that Sayso sends by itself."""

    kind: SystemKind
    ordinal: int
    """Counts the texts of this kind to this number, so that a repeat gets the same id."""
    tenant: str
    phone: str
    sender: str | None
    body: str
    valid_until: datetime | None = None
    branch: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None


def build_system_request(text: SystemMessage, cause: Evidence, now: datetime) -> PendingRequest:
    request = SendRequest(
        message_id=system_message_id(text.kind, text.tenant, text.phone, text.ordinal),
        tenant=text.tenant,
        branch=text.branch,
        to=text.phone,
        sender=text.sender,
        body=text.body,
        kind=text.kind,
        time_zone=text.time_zone,
        postal_region=text.postal_region,
        valid_until=text.valid_until,
        requested_at=now,
        requested_by=SYSTEM,
    )
    message = MessageState(fingerprint=fingerprint(request), received=now, own=True)
    return PendingRequest(request, message, cause)
