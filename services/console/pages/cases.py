"""The list of cases, and a new one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.forms import once
from services.console.rendering import draw
from services.console.scope import scope_of, sees_branch
from services.console.viewer import Permission
from services.ledger.case_pages import CaseFilter, read_cases
from services.ledger.cases import find_case_names, find_cases, find_settings
from services.ledger.paging import InvalidCursor
from services.operations import cases
from services.operations.errors import InvalidRequest

router = APIRouter(include_in_schema=False)
PAGE = 50


@router.get("/t/{tenant}/cases")
def show_cases(
    visit: Annotated[Visit, Allow(Permission.READ)],
    q: Annotated[str, Query(max_length=200)] = "",
    show: Annotated[str, Query(max_length=10)] = "open",
    after: Annotated[str, Query(max_length=2000)] = "",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    wanted = CaseFilter(scope_of(visit), None if show == "all" else False, search=q)
    try:
        page = read_cases(visit.console.ledger, wanted, visit.now, cursor=after or None, limit=PAGE)
    except InvalidCursor:
        raise HTTPException(404) from None
    context: dict[str, Any] = {
        "rows": page.rows,
        "q": q,
        "show": show,
        "after": after,
        "next_after": page.cursor,
    }
    return draw(visit, "parts/cases.html" if part else "cases.html", **context)


@router.get("/t/{tenant}/cases/new/form")
def show_form(visit: Annotated[Visit, Allow(Permission.WRITE)]) -> Response:
    return _draw_form(visit, {}, "")


def _draw_form(visit: Visit, given: dict[str, str], problem: str) -> Response:
    settings = find_settings(visit.console.ledger, visit.tenant)
    known = settings.branches if settings else ()
    branches = [name for name in known if sees_branch(visit, name)]
    context = {"given": given, "problem": problem, "branches": branches}
    return draw(visit, "case_new.html", status=422 if problem else 200, **context)


@router.post("/t/{tenant}/cases/new/form")
async def open_case(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    form_key: Annotated[str, Form(max_length=60)],
    case_id: Annotated[str, Form(max_length=200)] = "",
    title: Annotated[str, Form(max_length=400)] = "",
    case_type: Annotated[str, Form(max_length=400)] = "",
    reference: Annotated[str, Form(max_length=400)] = "",
    branch: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    given = {
        "case_id": case_id.strip(),
        "title": title.strip(),
        "case_type": case_type.strip(),
        "reference": reference.strip(),
        "branch": branch,
    }

    async def work() -> str:
        ledger = visit.console.ledger
        if find_case_names(ledger, given["case_id"], visit.tenant):
            raise InvalidRequest(f"There is a case {given['case_id']!r} already", "open it instead")
        fields = {name: text or None for name, text in given.items() if name != "case_id"}
        fields["title"] = given["title"]
        change = cases.build_opened(
            ledger, visit.tenant, given["case_id"], visit.viewer.name, visit.now, **fields
        )
        await cases.publish_changes(visit.console.kafka, change.events)
        await visit.console.kafka.wait_for(
            ledger, lambda: find_cases(ledger, given["case_id"], visit.tenant) or None
        )
        return given["case_id"]

    if not sees_branch(visit, branch or None):
        return _draw_form(visit, given, "Choose one of your branches.")
    try:
        made, _ = await once(visit, form_key, work)
    except InvalidRequest as error:
        return _draw_form(visit, given, str(error))
    return RedirectResponse(f"/t/{visit.tenant}/cases/{made}", 303)
