"""Cases: list them, look at one, open and close it. Its parties, tasks and events: `case_parts`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.base import Message, Slug
from schemas.case import Case
from schemas.case_event import CaseClosed, CaseReopened, Launched
from services.console.api.calls import ApiRoute, Call, changes, reads
from services.console.api.once import once
from services.console.api.paging import Next, PageQuery, as_given, next_page, not_found, scope_of
from services.console.api.scopes import Scope
from services.ledger.case_pages import CaseFilter, CaseRow, read_cases
from services.ledger.cases import find_case_names, find_cases
from services.operations.cases import (
    Change,
    KnownCase,
    build_change,
    build_opened,
    find_case,
    publish_changes,
)

router = APIRouter(route_class=ApiRoute, tags=["cases"])
Title = Annotated[str, Field(min_length=1, max_length=200)]


class CaseQuery(PageQuery):
    """What is not given matches all."""

    closed: bool | None = False
    branch: list[str] = []
    case_type: list[str] = []
    search: Annotated[str, Field(max_length=200)] = ""
    """Part of an id, a title, a reference or of a party's name."""
    person_id: Slug | None = None
    """A party."""


class NextEventItem(BaseModel):
    event_id: str
    title: str
    at: datetime
    all_day: bool


class CaseItem(BaseModel):
    case_id: str
    title: str
    reference: str | None
    case_type: str | None
    branch: str | None
    closed: bool
    parties: int
    next_event: NextEventItem | None
    changed_at: datetime


class CasePage(BaseModel):
    items: list[CaseItem]
    next: Next


class OpenCase(Message):
    """Said again, it corrects."""

    model_config = ConfigDict(extra="forbid")

    case_id: Slug
    title: Title
    reference: Title | None = None
    case_type: Title | None = None
    branch: Slug | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None


class Changed(BaseModel):
    """Kafka has the change. The case shows it in a moment."""

    case_id: str
    change_id: str
    warnings: list[str]
    """What looks wrong, and was recorded all the same."""


@router.get("/v1/cases")
def list_cases(
    call: Annotated[Call, reads(Scope.CASES)], query: Annotated[CaseQuery, Query()]
) -> CasePage:
    """List cases, the one that changed last first."""
    wanted = CaseFilter(
        scope_of(call),
        closed=query.closed,
        branches=as_given(query.branch),
        case_types=as_given(query.case_type),
        search=query.search,
        person=query.person_id,
    )
    page = read_cases(call.ledger, wanted, call.now, cursor=query.cursor, limit=query.limit)
    return CasePage(
        items=[_describe(row) for row in page.rows], next=next_page(call, query, page.cursor)
    )


@router.get("/v1/cases/{case_id}")
def get_case(call: Annotated[Call, reads(Scope.CASES)], case_id: Slug) -> Case:
    """Look at one case, as a whole."""
    found = find_cases(call.ledger, case_id, call.tenant)
    if not found:
        raise not_found("case")
    return found[0]


@router.post("/v1/cases", status_code=202, response_model=Changed)
async def open_case(call: Annotated[Call, changes(Scope.CASES)], told: OpenCase) -> Response:
    """Open a case, or correct what was said of it."""

    async def work() -> Changed:
        fields = told.model_dump(exclude={"case_id"})
        change = build_opened(call.ledger, call.tenant, told.case_id, call.by, call.now, **fields)
        return await publish(call, told.case_id, change)

    return await once(call, told, work)


@router.post("/v1/cases/{case_id}/launch", status_code=202, response_model=Changed)
async def launch_case(call: Annotated[Call, changes(Scope.CASES)], case_id: Slug) -> Response:
    """Let its tasks go from now on."""
    return await _say(call, case_id, Launched)


@router.post("/v1/cases/{case_id}/close", status_code=202, response_model=Changed)
async def close_case(call: Annotated[Call, changes(Scope.CASES)], case_id: Slug) -> Response:
    """Close it: nothing goes from it any more."""
    return await _say(call, case_id, CaseClosed)


@router.post("/v1/cases/{case_id}/reopen", status_code=202, response_model=Changed)
async def reopen_case(call: Annotated[Call, changes(Scope.CASES)], case_id: Slug) -> Response:
    """Open it again: what is still ahead goes again."""
    return await _say(call, case_id, CaseReopened)


async def _say(call: Call, case_id: str, kind: type[Any]) -> Response:
    def build(about: KnownCase) -> Change:
        return Change((build_change(kind, about, call.by, call.now),))

    return await change_case(call, case_id, None, build)


async def change_case(
    call: Call, case_id: str, told: BaseModel | None, build: Callable[[KnownCase], Change]
) -> Response:
    """Raises Problem."""
    if not find_case_names(call.ledger, case_id, call.tenant):
        raise not_found("case")

    async def work() -> Changed:
        about = find_case(call.ledger, case_id, call.tenant)
        return await publish(call, case_id, build(about))

    return await once(call, told, work)


async def publish(call: Call, case_id: str, change: Change) -> Changed:
    """Under the id of the call, so that a repeat changes nothing. Raises OperationError."""
    (event,) = change.events
    named = event.model_copy(update={"change_id": call.identity("c")})
    await publish_changes(call.kafka, [named])
    return Changed(case_id=case_id, change_id=named.change_id, warnings=list(change.warnings))


def _describe(row: CaseRow) -> CaseItem:
    event = row.next_event
    return CaseItem(
        case_id=row.case_id,
        title=row.title,
        reference=row.reference,
        case_type=row.case_type,
        branch=row.branch,
        closed=row.closed,
        parties=row.parties,
        next_event=NextEventItem(**event._asdict()) if event else None,
        changed_at=row.changed_at,
    )
