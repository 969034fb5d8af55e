"""What we text from."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from schemas.base import Message, Slug
from schemas.numbers import E164


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


class Sender(Message):
    """A number in E.164, a short code, or a messaging service's SID; of one tenant, or shared by several."""

    sender: str = Field(pattern=rf"^({E164.pattern}|[0-9]{{3,8}}|MG[0-9a-f]{{32}})$")
    kind: SenderKind
    pace: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="segments per second; None: the kind's default",
    )
    owner: Slug | None = None
    shared_by: tuple[Slug, ...] = ()
    answers_keywords: bool | None = Field(
        default=None,
        description="the carrier answers STOP, START and HELP itself; None: as Twilio does for the kind",
    )
    hears: bool = Field(
        default=True, description="set up to receive texts; from one that is not nothing is sent"
    )

    @model_validator(mode="after")
    def _somebody_uses_it(self) -> Sender:
        if (self.owner is None) == (not self.shared_by):
            raise ValueError("give either owner (one tenant) or shared_by (several)")
        return self

    @property
    def tenants(self) -> tuple[str, ...]:
        return self.shared_by or (self.owner or "",)

    @property
    def carrier_answers(self) -> bool:
        """Twilio answers for every sender but short codes (help article 223134027)."""
        return (
            self.kind is not SenderKind.SHORT_CODE
            if self.answers_keywords is None
            else self.answers_keywords
        )

    @property
    def segments_per_second(self) -> float:
        return self.pace or PACE[self.kind]
