"""Undo a text that was sent by hand, while the gate still holds it.

The form says what was sent, sealed: only who sent it can have got it, so that nothing has to be
looked up before the withdrawal is on its way."""

from __future__ import annotations

import json
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.number_tokens import NumberTokens
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger import LedgerError
from services.operations.errors import OperationError
from services.operations.requests import (
    CancelResult,
    SentText,
    build_withdrawal,
    final_result,
    find_cancelable,
    publish_cancel,
)

router = APIRouter(include_in_schema=False)
UNDO_SECONDS: Final = 10
"""How long the gate holds what somebody sends by hand."""
REASON: Final = "withdrawn by its writer"
WAIT: Final = 5.0
"""Seconds for what came of it; after that its page says so when it is known."""
NOT_KNOWN_YET: Final = "You asked to take it back. Its page says whether that was in time."


def seal_sent(visit: Visit, sent: SentText) -> str:
    """For the form, or for an address."""
    tokens: NumberTokens = visit.request.app.state.tokens
    return tokens.write(_purpose(visit), json.dumps(sent))


def read_sent(visit: Visit, sealed: str) -> SentText | None:
    tokens: NumberTokens = visit.request.app.state.tokens
    found = tokens.read(_purpose(visit), sealed)
    return SentText(*json.loads(found)) if found else None


def _purpose(visit: Visit) -> str:
    """No tenant has a blank in its name."""
    return f"{visit.tenant} undo by {visit.viewer.name}"


@router.post("/t/{tenant}/undo")
async def undo(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    sent: Annotated[str, Form(max_length=2000)],
) -> Response:
    """Says what came of it: too late is said as well. A second press finds it withdrawn."""
    found = read_sent(visit, sent)
    if found is None:
        raise HTTPException(404)
    console = visit.console
    result = _find_result(visit, found)
    if result is None:
        cancel = build_withdrawal(found, visit.viewer.name, visit.now, REASON)
        await publish_cancel(console.kafka, cancel)
        result = await _wait_for_result(visit, found)
    url = f"/t/{visit.tenant}/messages/{quote(found.message_id)}"
    if not visit.request.headers.get("hx-request"):
        return RedirectResponse(url, 303)
    says = NOT_KNOWN_YET if result is None else result.sentence
    stopped = result is not None and result.is_stopped
    return draw(visit, "parts/undone.html", stopped=stopped, says=says, url=url)


async def _wait_for_result(visit: Visit, sent: SentText) -> CancelResult | None:
    try:
        ledger = visit.console.ledger
    except LedgerError:
        return None
    return await visit.console.kafka.wait_for(ledger, lambda: _find_result(visit, sent), WAIT)


def _find_result(visit: Visit, sent: SentText) -> CancelResult | None:
    """None also while the ledger does not know the text, or cannot be read."""
    try:
        found = find_cancelable(visit.console.ledger, sent.message_id, visit.tenant)
        return final_result(found)
    except (OperationError, LedgerError):
        return None
