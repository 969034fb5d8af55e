"""Undo a text that was sent by hand, while the gate still holds it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.pages.message import find_message
from services.console.rendering import draw
from services.console.viewer import Permission
from services.operations.errors import OperationError
from services.operations.requests import cancel, find_cancelable

router = APIRouter(include_in_schema=False)
UNDO_SECONDS: Final = 10
"""How long the gate holds what somebody sends by hand."""
REASON: Final = "withdrawn by its writer"


@router.post("/t/{tenant}/undo")
async def undo(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    message_id: Annotated[str, Form(max_length=200)],
) -> Response:
    """Says what came of it: too late is said as well. A second press finds it withdrawn."""
    ledger = visit.console.ledger

    def is_known() -> bool | None:
        try:
            find_cancelable(ledger, message_id, visit.tenant)
        except OperationError:
            return None
        return True

    # The ledger may not have it yet: it was sent a moment ago.
    if not await visit.console.kafka.wait_for(ledger, is_known, UNDO_SECONDS):
        raise HTTPException(404)
    find_message(visit, message_id)
    found = find_cancelable(ledger, message_id, visit.tenant)
    result = await cancel(visit.console.kafka, ledger, found, REASON, visit.viewer.name, visit.now)
    return draw(visit, "parts/undone.html", result=result, message_id=message_id)
