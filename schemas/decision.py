"""The gate's verdict on one request, with every reason."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, Slug, UtcTime, Whole
from schemas.structs import struct


class Verdict(StrEnum):
    """From mildest to strictest: the strictest finding decides (see `strictness`)."""

    SEND = "send"
    HOLD = "hold"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"

    @property
    def strictness(self) -> int:
        return _ORDER[self]


_ORDER = {verdict: place for place, verdict in enumerate(Verdict)}


@struct
class Finding(Message):
    """What one rule found, and what to do about it.  A finding with verdict `send` is a warning."""

    rule: str
    verdict: Verdict
    reason: str
    next_step: str = ""
    until: UtcTime | None = None


@struct
class Decision(Message):
    """`seq` counts the decisions on one message from 1: the highest is the one that holds."""

    message_id: Slug
    tenant: Slug
    branch: str | None = None
    to: str | None = None
    sender: str | None = None
    kind: str
    segments: Whole = 0
    person_id: str | None = None
    case_id: str | None = None
    event_id: str | None = None
    event_at: UtcTime | None = None
    event_title: str | None = None
    time_zone: str | None = None
    valid_until: UtcTime | None = None
    resend_of: str | None = None
    request_id: Slug | None = None
    """The person-request it is about, whose id a text that has moved no longer has."""
    requested_at: UtcTime
    requested_by: str | None = None
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    until: UtcTime | None = None
    decided_at: UtcTime
    policy_version: str
    consent_epoch: Whole
    evidence: Evidence
    seq: Whole = 1
    fingerprint: str = ""

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
