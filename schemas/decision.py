"""The verdict on one request, with every reason."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, RequestContext, Slug, UtcTime, Whole
from schemas.structs import struct


class Verdict(StrEnum):
    """From mildest to strictest.  The strictest finding decides (see `strictness`)."""

    SEND = "send"
    HOLD = "hold"
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"

    @property
    def strictness(self) -> int:
        return _ORDER[self]


_ORDER = {verdict: index for index, verdict in enumerate(Verdict)}


@struct
class Finding(Message):
    """What one rule found, and what to do about it.  A finding with verdict `send` is a warning."""

    rule: str
    verdict: Verdict
    reason: str
    next_step: str = ""
    until: UtcTime | None = None
    """When it ends by itself."""


@struct
class Decision(RequestContext):
    """The verdict on one request: the gate's, or people's while there is no number."""

    to: str | None = None
    segments: Whole = 0
    resend_of: str | None = None
    """The text that this one is sent again for."""
    request_id: Slug | None = None
    """The person-request it is about.  A text that has moved to another number has an id of its
    own."""
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    until: UtcTime | None = None
    """When the hold ends by itself."""
    decided_at: UtcTime
    policy_version: str
    """The version of the tenant's settings that it was decided by."""
    consent_epoch: Whole
    evidence: Evidence
    """Where the request stands."""
    seq: Whole = 1
    """Counts the decisions on one message from 1; the highest holds."""
    fingerprint: str = ""
    """A hash of number and text: another text under the same id is not this one."""

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
