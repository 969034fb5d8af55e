"""What the gate made of one approval, rejection or second look."""

from __future__ import annotations

from schemas.approval import ApprovalAction
from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.decision import Verdict
from schemas.numbers import e164


class ApprovalAnswer(Message):
    """`applied`: it was taken; otherwise `reason` says why not.  `verdict`: how the text stands after it, absent where
    nobody knows such a text.  `evidence`: where the approval stands."""

    approval_id: Slug
    tenant: Slug
    number: str
    message_id: Slug
    action: ApprovalAction
    by: str
    applied: bool
    verdict: Verdict | None = None
    rule: str
    reason: str
    next_step: str = ""
    evidence: Evidence
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
