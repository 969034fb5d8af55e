"""A test text to a person: can they be reached?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query
from starlette.responses import RedirectResponse, Response

from services.console import forms
from services.console.access import Allow, Visit
from services.console.pages.people_search import CHOOSE, picker
from services.console.pages.undo import UNDO_SECONDS
from services.console.people_view import find_person
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.message_status import find_statuses
from services.operations.errors import InvalidRequest
from services.operations.requests import build_test_request, request_person_text
from services.operations.validation import parse_recipient

router = APIRouter(include_in_schema=False)


@router.get("/t/{tenant}/messages/new/test")
def show_form(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    person: Annotated[str, Query(max_length=200)] = "",
    number: Annotated[str, Query(max_length=64)] = "",
    who: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    return _draw(visit, {"person_id": person, "number": number, "who": who}, "")


def _draw(visit: Visit, given: dict[str, str], problem: str) -> Response:
    context = picker(visit, given["who"], given["person_id"])
    context |= {"number": given["number"], "body": given.get("body", ""), "problem": problem}
    return draw(visit, "message_test.html", status=422 if problem else 200, **context)


@router.post("/t/{tenant}/messages/new/test")
async def send_test(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    form_key: Annotated[str, Form(max_length=60)],
    person_id: Annotated[str, Form(max_length=200)] = "",
    who: Annotated[str, Form(max_length=100)] = "",
    number: Annotated[str, Form(max_length=64)] = "",
    body: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    kafka, ledger = visit.console.kafka, visit.console.ledger
    given = {"person_id": person_id, "who": who, "number": number, "body": body}
    if not person_id.strip():
        return _draw(visit, given, CHOOSE)

    async def work() -> Any:
        if visit.branches is not None and find_person(visit, person_id.strip()) is None:
            raise InvalidRequest("Nobody of your branches is on record under this id")
        to = parse_recipient("the number", number.strip()) if number.strip() else None
        request = build_test_request(
            ledger,
            person_id.strip(),
            visit.tenant,
            to,
            body.strip() or None,
            visit.viewer.name,
            visit.now,
            UNDO_SECONDS,
        )
        await request_person_text(kafka, request)
        await kafka.wait_for(ledger, lambda: find_statuses(ledger, request.message_id) or None)
        return request.message_id

    try:
        message_id, _ = await forms.once(visit, form_key, work)
    except InvalidRequest as error:
        return _draw(visit, given, str(error))
    return RedirectResponse(f"/t/{visit.tenant}/messages/{message_id}", 303)
