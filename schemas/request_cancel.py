"""Take a request back before it leaves."""

from __future__ import annotations

from typing import Final

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164

PEOPLE: Final = "people"
"""Who asks, where the person's number has changed: the text is wanted still, and asked for again."""


class CancelRequest(Message):
    """To the gate, under the number that the request was for.  What waits there is canceled; what has been ordered is
    taken back at dispatch if no call has begun; what is decided otherwise stays as it is.  One that comes before its
    request waits for it."""

    tenant: Slug
    number: str
    message_id: Slug
    reason: str = ""
    by: str = ""
    at: UtcTime

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
