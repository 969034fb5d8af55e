"""What staff say of a text that waits at the gate."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164


class ApprovalAction(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SEND_NOW = "send_now"
    """Judge it again, now: a setting may have changed since.  It approves nothing."""


class Approval(Message):
    """To the gate, under the number that the text is for.  `body_sha256`: the SHA-256, in hex, of the UTF-8 of the text
    that was seen; one that approves must match what is held, so that nobody approves what they did not see.  A repeat,
    by `approval_id`, changes nothing; the answer to each is on the approval log."""

    approval_id: Slug
    tenant: Slug
    number: str
    message_id: Slug
    action: ApprovalAction
    by: str
    at: UtcTime
    body_sha256: str = ""

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
