"""What the gate made of a consent fact: the history that proves every text."""

from __future__ import annotations

from schemas.base import Evidence, Message, Slug, UtcTime, Whole
from schemas.consent_status import ConsentState


class ConsentChange(Message):
    """Kept for ever.  `applied` is false where the fact changed nothing (a repeat, or older than what stands);
    `reason` says why.  `epoch` is the number's consent epoch after it."""

    tenant: Slug
    number: str
    sender: str | None = None
    event_id: str
    action: str
    source: str
    was: ConsentState
    now: ConsentState
    applied: bool
    reason: str
    consent_epoch: Whole
    claimed_at: UtcTime
    at: UtcTime
    evidence: Evidence = Evidence()

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"
