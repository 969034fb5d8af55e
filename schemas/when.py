"""At which hours and how often a tenant's texts may reach one recipient."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from schemas.base import Message
from schemas.send_request import Kind

TEXTS_AT_MOST = 50
"""The highest cap: so many times of texts are remembered for a number."""


def _clock(written: Any) -> Any:
    """YAML 1.1 reads 21:00 without quotes as a number to the base of sixty: 1260, the minutes
    since midnight."""
    return f"{written // 60:02}:{written % 60:02}" if type(written) is int else written


ClockTime = Annotated[
    str,
    BeforeValidator(_clock),
    StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
]
"""HH:MM on a 24-hour clock; 24:00 is the end of the day."""


class QuietHours(Message):
    """No text before and none after, by the recipient's clock.  Left out, they are those of US
    federal law (47 CFR 64.1200(c)(1)).  `none` in a settings file: texts at any hour."""

    before: ClockTime = "08:00"
    after: ClockTime = "21:00"

    @model_validator(mode="after")
    def _leave_some_time(self) -> Self:
        if self.before >= self.after:
            raise ValueError(
                f"no time is left between {self.before} and {self.after}: `before` is in the morning"
            )
        return self


class MarketingHours(StrEnum):
    """`by_state`: the states' hours, Sundays, holidays and caps as well as the quiet hours."""

    BY_STATE = "by_state"
    AS_OTHERS = "as_others"


class Cap(Message):
    """Texts of one kind to one recipient in any 24 hours and any seven days, counted when they
    are ordered."""

    day: int | None = Field(default=None, ge=1, le=TEXTS_AT_MOST)
    week: int | None = Field(default=None, ge=1, le=TEXTS_AT_MOST)


def _kind(word: str) -> str:
    if word not in tuple(Kind):
        raise ValueError(f"there is no kind of text named {word!r}: kinds are {', '.join(Kind)}")
    return word


KindName = Annotated[str, AfterValidator(_kind)]


class When(Message):
    """What is left out is careful; `caps` by kind: marketing has one of 3 a day and 10 a week
    unless it is named, other kinds have none."""

    quiet_hours: QuietHours = QuietHours()
    marketing: MarketingHours = MarketingHours.BY_STATE
    caps: dict[KindName, Cap] = {}

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _none(cls, written: Any) -> Any:
        return {"before": "00:00", "after": "24:00"} if written == "none" else written
