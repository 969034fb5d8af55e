"""At which hours and how often a tenant's texts may reach one recipient."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    Field,
    field_validator,
    model_validator,
)

from schemas.base import Message
from schemas.send_request import Kind

TEXTS_AT_MOST = 50
"""The highest cap: the gate remembers the times of this many texts to a number."""


_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_HOUR: Final = re.compile(r"([0-9]{1,2})(?:[:.h]?([0-9]{2}))?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_NOON: Final = 12


def check_clock(written: str) -> str:
    """Raises ValueError, with the hour that it may have meant."""
    if _CLOCK.fullmatch(written):
        return written
    raise ValueError(
        f"an hour should match pattern HH:MM, from 00:00 to 24:00: write {_suggest(written)!r}"
    )


def _suggest(written: str) -> str:
    found = _HOUR.fullmatch(written.strip())
    if found is None:
        return "09:00"
    hour, minute, half = int(found[1]), found[2] or "00", (found[3] or "").lower()
    if half and 1 <= hour <= _NOON:
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    likely = f"{hour:02}:{minute}"
    return likely if _CLOCK.fullmatch(likely) else "09:00"


ClockTime = Annotated[str, AfterValidator(check_clock)]
"""HH:MM on a 24-hour clock; 24:00 is the end of the day.  `9:00`, `0900` and `900` are not read:
somebody may mean another hour than we."""


class QuietHours(Message):
    """By the recipient's clock.  The defaults are US federal law (47 CFR 64.1200(c)(1)).

    `none` in a settings file: texts at any hour."""

    before: ClockTime = "08:00"
    """No text before this time."""
    after: ClockTime = "21:00"
    """No text from this time on."""

    @model_validator(mode="after")
    def _leave_some_time(self) -> Self:
        if self.before >= self.after:
            raise ValueError(
                f"no time is left between {self.before} and {self.after}:"
                " `before` is in the morning"
            )
        return self


class MarketingHours(StrEnum):
    BY_STATE = "by_state"
    """The states' hours, Sundays, holidays and caps as well as the quiet hours."""
    AS_OTHERS = "as_others"


class Cap(Message):
    """The most texts of one kind to one recipient, counted when they are ordered."""

    day: int | None = Field(default=None, ge=1, le=TEXTS_AT_MOST)
    """In any 24 hours."""
    week: int | None = Field(default=None, ge=1, le=TEXTS_AT_MOST)
    """In any seven days."""


def _kind(word: str) -> str:
    if word not in tuple(Kind):
        raise ValueError(f"there is no kind of text named {word!r}: kinds are {', '.join(Kind)}")
    return word


KindName = Annotated[str, AfterValidator(_kind)]


class When(Message):
    """When texts may reach a recipient, and how often.  What is left out has a careful default."""

    quiet_hours: QuietHours = QuietHours()
    marketing: MarketingHours = MarketingHours.BY_STATE
    caps: dict[KindName, Cap] = {}
    """By kind.  Marketing has a cap of 3 a day and 10 a week unless it is named here; other kinds
    have none."""

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _none(cls, written: Any) -> Any:
        return {"before": "00:00", "after": "24:00"} if written == "none" else written
