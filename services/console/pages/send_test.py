"""A test text to a person: can they be reached?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from services.console import forms
from services.console.access import Allow, Visit
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
    visit: Annotated[Visit, Allow(Permission.WRITE)], person: str = "", number: str = ""
) -> Response:
    return _draw(visit, person, number, "", "")


def _draw(visit: Visit, person: str, number: str, body: str, problem: str) -> Response:
    context = {"person": person, "number": number, "body": body, "problem": problem}
    return draw(visit, "message_test.html", status=422 if problem else 200, **context)


@router.post("/t/{tenant}/messages/new/test")
async def send_test(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    form_key: Annotated[str, Form()],
    person: Annotated[str, Form()] = "",
    number: Annotated[str, Form()] = "",
    body: Annotated[str, Form()] = "",
) -> Response:
    kafka, ledger = visit.console.kafka, visit.console.ledger

    async def work() -> Any:
        if visit.branches is not None and find_person(visit, person.strip()) is None:
            raise InvalidRequest("Nobody of your branches is on record under this id")
        to = parse_recipient("the number", number.strip()) if number.strip() else None
        request = build_test_request(
            ledger,
            person.strip(),
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
        return _draw(visit, person, number, body, str(error))
    return RedirectResponse(f"/t/{visit.tenant}/messages/{message_id}", 303)
