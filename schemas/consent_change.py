"""What the gate made of a consent fact: the history that proves every text."""

from __future__ import annotations

from schemas.base import Evidence, Message, Slug, UtcTime, Whole
from schemas.consent_status import StandingState


class ConsentChange(Message):
    """Kept for ever.  `applied` is false where the fact changed nothing (a repeat, or older than what stands);
    `reason` says why.  `flagged`: an opt-out that was read from other words than STOP; it counts at once, and a person
    is to confirm or lift it.  `epoch` is the number's consent epoch after it.

    A number's entries are a chain: `seq` counts them from 1, `previous` is the `hash` of the one before ("" for the
    first), `hash` the SHA-256 of the entry's canonical JSON (RFC 8785) without `hash` itself, in hex."""

    tenant: Slug
    number: str
    sender: str | None = None
    event_id: str
    action: str
    source: str
    was: StandingState
    now: StandingState
    applied: bool
    reason: str
    consent_epoch: Whole
    claimed_at: UtcTime
    at: UtcTime
    evidence: Evidence = Evidence()
    flagged: bool = False
    seq: Whole | None = None
    previous: str | None = None
    hash: str | None = None

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"
