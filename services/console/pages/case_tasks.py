"""Tasks of a case: schedule one, look at each of its texts, send it as it was seen."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.pages.case import know_case, read_case, record
from services.console.rendering import draw
from services.console.viewer import Permission
from services.operations.case_parts import (
    TaskDraft,
    WrittenWhen,
    build_task,
    build_task_canceled,
)
from services.operations.case_preview import build_send, preview_anchor
from services.operations.cases import Change
from services.operations.errors import OperationError
from services.operations.validation import new_id

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/cases/{case_id}/tasks"


@router.get(PATH + "/new")
def show_form(visit: Annotated[Visit, Allow(Permission.WRITE)], case_id: str) -> Response:
    return draw(visit, "case_task.html", **read_case(visit, know_case(visit, case_id)))


@router.post(PATH + "/new")
async def schedule(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    form_key: Annotated[str, Form(max_length=60)],
    template: Annotated[str, Form(max_length=200)] = "",
    body: Annotated[str, Form(max_length=20_000)] = "",
    roles: Annotated[tuple[str, ...], Form()] = (),
    at: Annotated[str, Form(max_length=100)] = "",
    event_id: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    about = know_case(visit, case_id)
    given = {"template": template, "body": body, "roles": roles, "at": at, "event_id": event_id}
    draft = TaskDraft(
        template or None,
        body.strip() or None,
        roles,
        (),
        WrittenWhen(at.strip() or None, event_id or None),
        None,
    )
    try:
        change = build_task(about, new_id("task"), draft, visit.viewer.name, visit.now)
    except OperationError as error:
        context: dict[str, Any] = read_case(visit, about)
        context |= {"draft": given, "problem": str(error)}
        return draw(visit, "case_task.html", status=422, **context)
    return await record(visit, about, form_key, {}, lambda: change)


@router.get(PATH + "/{task_id}")
def show_preview(
    visit: Annotated[Visit, Allow(Permission.READ)], case_id: str, task_id: str
) -> Response:
    """Every text, as if it were sent now."""
    about = know_case(visit, case_id)
    context = read_case(visit, about) | {"task_id": task_id}
    try:
        sender = visit.viewer.name if visit.may(Permission.WRITE) else None
        context["found"] = preview_anchor(about, f"task/{task_id}", visit.now, as_sent_by=sender)
    except OperationError as error:
        return draw(visit, "case.html", status=422, **context | {"problem": str(error)})
    return draw(visit, "case_preview.html", **context)


@router.post(PATH + "/{task_id}/send")
async def send(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    task_id: str,
    version: Annotated[str, Form(max_length=100)],
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    """Refused if anything has changed since the preview."""
    about = know_case(visit, case_id)

    def build() -> Change:
        change, _ = build_send(about, f"task/{task_id}", version, visit.viewer.name, visit.now)
        return change

    return await record(visit, about, form_key, {}, build)


@router.post(PATH + "/{task_id}/cancel")
async def cancel(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    case_id: str,
    task_id: str,
    form_key: Annotated[str, Form(max_length=60)],
) -> Response:
    about = know_case(visit, case_id)

    def build() -> Change:
        return build_task_canceled(about, task_id, visit.viewer.name, visit.now)

    return await record(visit, about, form_key, {}, build)
