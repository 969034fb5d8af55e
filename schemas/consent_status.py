"""Where a number's consent stands, for readers who need no history."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from schemas.base import Message, Slug, UtcTime, Whole


class ConsentState(StrEnum):
    """`pending`: asked, not answered."""

    UNKNOWN = "unknown"
    """What `none` was called in older records; read as that, and written no more."""
    NONE = "none"
    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"


def _today(state: Any) -> Any:
    return ConsentState.NONE if state == ConsentState.UNKNOWN else state


StandingState = Annotated[ConsentState, BeforeValidator(_today)]


class ConsentStatus(Message):
    """`since` is when the gate took it to be so; `source`, what the fact that settled it came from.  `asked_at`: when
    the last opt-in request was issued; `ask_again_at`: when the next may be, by hand.  `held`: how many texts wait for
    this number; it may be a second old.  `log_seq` and `log_hash` name an entry of the consent log, the one that
    settled it or a later one: a witness to that number's chain, kept apart from it."""

    tenant: Slug
    number: str
    state: StandingState
    consent_epoch: Whole
    since: UtcTime
    source: str
    asked_at: UtcTime | None = None
    ask_again_at: UtcTime | None = None
    held: Whole = 0
    log_seq: Whole | None = None
    log_hash: str | None = None

    @property
    def number_key(self) -> str:
        return f"{self.tenant}/{self.number}"
