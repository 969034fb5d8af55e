"""Where a number's consent stands, for readers who need no history."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Slug, UtcTime, Whole


class ConsentState(StrEnum):
    UNKNOWN = "unknown"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


class ConsentStatus(Message):
    """`since` is when the gate took it to be so; `source`, what the fact that settled it came from.  `log_seq` and
    `log_hash` name the entry of the consent log that settled it: a witness to that number's chain, kept apart."""

    tenant: Slug
    number: str
    state: ConsentState
    consent_epoch: Whole
    since: UtcTime
    source: str
    log_seq: Whole | None = None
    log_hash: str | None = None

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"
