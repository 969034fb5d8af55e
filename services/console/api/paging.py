"""Pages of lists: what a query has in common, and the address of the next page."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from schemas.numbers import E164, e164
from services.console.api import problems
from services.console.api.calls import Call
from services.console.api.problems import FieldProblem, Problem
from services.ledger.scope import Scope

MOST: Final = 500


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    """Items of a page."""
    cursor: Annotated[str, Field(max_length=2000)] | None = None
    """From `next` of the page before. It belongs to its list and filter."""


Next = Annotated[
    str | None, Field(description="The address of the next page; null: this was the last.")
]


def next_page(call: Call, query: PageQuery, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    given = query.model_dump(mode="json", exclude_defaults=True, exclude={"cursor"})
    path = quote(call.route.partition(" ")[2])
    return f"{path}?{urlencode({**given, 'cursor': cursor}, doseq=True)}"


def scope_of(call: Call) -> Scope:
    return Scope({call.tenant: None})


def not_found(what: str) -> Problem:
    detail = f"There is no such {what}: look it up, or ask again if it was made a moment ago."
    return Problem(problems.NOT_FOUND, detail)


def parse_number(written: str, field: str = "number") -> str:
    """Returns its one identity. Raises Problem."""
    number = e164(written)
    if E164.fullmatch(number) is None:
        raise invalid(field, "write it with plus and country code, such as +12125550123")
    return number


def invalid(field: str, fix: str) -> Problem:
    detail = "Put right what `problems` names, and send it again."
    return Problem(problems.INVALID, detail, [FieldProblem(field=field, fix=fix)])


def as_given(values: list[Any]) -> frozenset[str]:
    return frozenset(map(str, values))
