"""A claim from outside about somebody's consent."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.numbers import e164


class ConsentAction(StrEnum):
    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    ASK = "ask"
    ASK_FAILED = "ask_failed"
    """From outcomes only: the ask named by `message_id` was refused, or did not arrive."""
    UNREADABLE = "unreadable"
    """From the inbox: a text of this number's could not be read, and may have been a STOP.  It blocks the number."""
    RESOLVED = "resolved"
    """From staff, by name: they have looked at what could not be read, and it changes nothing."""


class ConsentEvent(Message):
    """What a form, a member of staff, an import or a carrier says; the gate decides what becomes of it.
    `message_id`: the text of ours that it is about, where there is one."""

    event_id: Slug
    tenant: Slug
    number: str
    sender: str | None = None
    message_id: Slug | None = None
    action: ConsentAction
    source: str
    at: UtcTime
    evidence: Evidence = Evidence()

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{e164(self.number)}"
