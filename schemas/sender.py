"""What we text from, and how it is doing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from schemas.base import Message, Slug, UtcTime, Whole, is_kept
from schemas.numbers import E164, e164
from schemas.send import Priority


def require_address(written: str, info: ValidationInfo) -> str:
    """Raises ValueError for a number that is written in a way in which no sender can be
    declared."""
    number = e164(written)
    if is_kept(info) or (number == written and not (number.isdigit() and len(number) > SHORT)):
        return written
    plus = number if number.startswith("+") else f"+{number}"
    raise ValueError(f"{written[:40]!r} is no sender: write it in E.164, such as {plus[:16]!r}")


SHORT: Final = 8
"""Digits of a short code, at most."""
SenderAddress = Annotated[str, AfterValidator(require_address)]


class SenderKind(StrEnum):
    LONG_CODE = "long_code"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"
    MESSAGING_SERVICE = "messaging_service"


PACE = {
    SenderKind.LONG_CODE: 1.0,
    SenderKind.TOLL_FREE: 3.0,
    SenderKind.SHORT_CODE: 100.0,
    SenderKind.MESSAGING_SERVICE: 1.0,
}
"""Segments per second that Twilio gives a sender of this kind unless more was agreed."""


def is_messaging_service(sender: str) -> bool:
    """Whether it names a messaging service, by Twilio's SID, and no number or short code."""
    return sender.startswith("MG")


class Sender(Message):
    """What a tenant texts from.  It belongs to one tenant, or several share it."""

    sender: str = Field(pattern=rf"^({E164.pattern}|[0-9]{{3,8}}|MG[0-9a-f]{{32}})$")
    """A number in E.164, a short code, or a messaging service's SID."""
    kind: SenderKind
    pace: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Segments per second; left out, the kind's default."""
    owner: Slug | None = None
    shared_by: tuple[Slug, ...] = ()
    answers_keywords: bool | None = None
    """The carrier answers STOP, START and HELP itself; left out, as Twilio does for the kind."""
    hears: bool = True
    """Set up to receive texts.  We send nothing from a sender that is not."""
    unmonitored: bool | None = None
    """Nobody reads replies to it: they are answered once a day with the tenant's `contact`.  Left
    out, as the tenant has it."""

    @model_validator(mode="after")
    def _has_tenant(self) -> Sender:
        if (self.owner is None) == (not self.shared_by):
            raise ValueError("give either owner (one tenant) or shared_by (several)")
        return self

    @property
    def tenants(self) -> tuple[str, ...]:
        return self.shared_by or (self.owner or "",)

    @property
    def carrier_answers(self) -> bool:
        """Twilio answers for every sender but short codes (help article 223134027)."""
        if self.answers_keywords is None:
            return self.kind is not SenderKind.SHORT_CODE
        return self.answers_keywords

    @property
    def segments_per_second(self) -> float:
        return self.pace or PACE[self.kind]


class SenderState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    RESTING = "resting"
    """The provider said "too many": nothing leaves for some seconds."""
    UNKNOWN_SENDER = "unknown_sender"
    """There are no settings for it; its texts wait until there are."""


class PriorityDepth(Message):
    """What waits at a sender, of one priority."""

    lane: Priority
    messages: Whole
    segments: Whole


class SenderError(Message):
    code: str
    """The provider's code, or our own where the provider gave none."""
    at: UtcTime


class SenderStatus(Message):
    """How a sender is doing.  At most one a second, and only if something changed."""

    sender: str
    state: SenderState
    paused_by: str | None = None
    pace: float | None = None
    """Segments per second now."""
    queued: tuple[PriorityDepth, ...] = ()
    """What may leave, by priority; priorities without texts are left out."""
    later: Whole = 0
    """How many texts wait for a time of their own."""
    drain_seconds: float | None = None
    """Until what is queued has left, at this pace; missing where nothing leaves."""
    in_flight: Whole = 0
    in_doubt: Whole = 0
    last_error: SenderError | None = None
    oldest_queued: UtcTime | None = None
    at: UtcTime
