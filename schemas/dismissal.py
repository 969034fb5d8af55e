"""Staff have seen that a text failed, and want to see it no longer."""

from __future__ import annotations

from schemas.base import Message, Slug, UtcTime


class Dismissal(Message):
    """It leaves the Outbox and needs no attention any more; what became of the text stays as it is."""

    tenant: Slug
    message_id: Slug
    by: str
    at: UtcTime

    @property
    def message_key(self) -> str:
        return f"{self.tenant}/{self.message_id}"
