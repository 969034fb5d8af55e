"""What all models have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"
Id = Annotated[str, Field(pattern=ID)]


class Input(BaseModel):
    """What callers send. A field that does not exist is an error at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def encode(self) -> bytes:
        """As JSON, without what was not given."""
        return self.model_dump_json(exclude_none=True).encode()


class Output(BaseModel):
    """What the server answers. A newer server may say more: what is not known here is left out.

    Words that a newer server may add to are `str`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Kind(StrEnum):
    """What a text is for. Consent, priority and quiet hours depend on it."""

    TRANSACTIONAL = "transactional"
    DIRECT = "direct"
    REMINDER = "reminder"
    ALERT = "alert"
    FOLLOW_UP = "follow_up"
    MARKETING = "marketing"
    TEST = "test"


class NumberType(StrEnum):
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    OTHER = "other"


class FieldProblem(Output):
    """What is wrong with one field."""

    field: str
    """Where in the call, as `requests.3.to`."""
    fix: str


class ProblemDetails(Output):
    """An error, by RFC 9457."""

    type: str
    title: str = ""
    status: int
    detail: str = ""
    problems: tuple[FieldProblem, ...] = ()


class Page(Output):
    """A part of a list."""

    next: str | None
    """The address of the next part."""
