"""What staff decide about a text that waits at the gate, and what the gate made of it."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.decision import Verdict
from schemas.numbers import e164


class ApprovalAction(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SEND_NOW = "send_now"
    """Evaluate it again now, because a setting may have changed.  It approves nothing."""


class Approval(Message):
    """To the gate, under the number that the text is for.  A repeat, by `approval_id`, changes
    nothing.  The answer to each is on the approval log."""

    approval_id: Slug
    tenant: Slug
    number: str
    message_id: Slug
    action: ApprovalAction
    by: str
    at: UtcTime
    body_sha256: str = ""
    """The SHA-256, in hex, of the UTF-8 of the text that was shown.  An approval must match the
    text that is held, so that nobody approves what they have not seen."""

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"


class ApprovalAnswer(Message):
    """What the gate made of one approval, rejection or re-evaluation."""

    approval_id: Slug
    tenant: Slug
    number: str
    message_id: Slug
    action: ApprovalAction
    by: str
    applied: bool
    """False: it was not accepted, and `reason` says why."""
    verdict: Verdict | None = None
    """The text's state after it; missing where there is no such text."""
    rule: str
    reason: str
    next_step: str = ""
    settled_by: str | None = None
    """Who had approved, rejected or canceled it before."""
    settled_at: UtcTime | None = None
    """When they did."""
    evidence: Evidence
    """Where the approval stands."""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
