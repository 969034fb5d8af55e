"""The gate's order to dispatch: send this."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.structs import struct


class Priority(StrEnum):
    """Which texts go first at a sender; strict between lanes."""

    REPLY = "reply"
    TRANSACTIONAL = "transactional"
    REMINDER = "reminder"
    MARKETING = "marketing"


@struct
class Send(Message):
    """Judged under `consent_epoch`: a Stop with a higher one cancels it wherever it is.  What cannot leave by
    `send_before` goes back to the gate.  `attempt`: the number under which its attempts begin, above all that were
    reported of this message before, at whichever sender; 0 for one that was never ordered."""

    message_id: Slug
    tenant: Slug
    to: str
    sender: str
    body: str
    kind: str
    case_id: str | None = None
    lane: Priority
    segments: Whole = 1
    consent_epoch: Whole
    not_before: UtcTime | None = None
    send_before: UtcTime
    issued_at: UtcTime
    attempt: Whole = 0

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
