"""What a text costs and what may go wrong with it, while somebody writes it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.cases import find_settings
from services.operations.composing import LIMIT, review_text, waits_for_approval

router = APIRouter(include_in_schema=False)


@router.post("/t/{tenant}/composing")
def review(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    body: Annotated[str, Form(max_length=20_000)] = "",
    branch: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The part below a text box; it is asked for whenever somebody stops typing."""
    settings = find_settings(visit.console.ledger, visit.tenant)
    waits = settings is not None and waits_for_approval(settings, branch or None)
    found = review_text(body, settings, waits=waits, now=visit.now)
    return draw(visit, "parts/composing.html", review=found, limit=LIMIT)
