"""The same call twice, of those routes whose answers have to be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from starlette.responses import Response

from services.console.api import problems
from services.console.api.calls import Call
from services.console.api.idempotency import Verdict
from services.console.api.idempotency_store import Claim
from services.console.api.problems import Problem


async def once(
    call: Call,
    body: BaseModel | None,
    work: Callable[[], Awaitable[BaseModel]],
    *,
    status: int = 202,
) -> Response:
    """Do the work, or give the answer that it had before under the same Idempotency-Key."""
    if call.idempotency_key is None:
        return _answer((await work()).model_dump_json(), status)
    said = body.model_dump_json().encode() if body is not None else b""
    claim = Claim(
        call.tenant, f"{call.route}/{call.idempotency_key}", hashlib.sha256(said).digest()
    )
    idempotency = call.api.idempotency
    (reserved,) = await idempotency.reserve([claim], call.now)
    require_free(reserved.verdict)
    if reserved.verdict is Verdict.DONE:
        return _answer(reserved.answer or "{}", status)
    try:
        answer = (await work()).model_dump_json()
    except BaseException:
        idempotency.release([claim])
        raise
    idempotency.finish([claim], answer)
    return _answer(answer, status)


def require_free(verdict: Verdict) -> None:
    """Raises Problem."""
    if verdict is Verdict.UNDER_WAY:
        detail = "The same call is still under way: wait, then send the same again."
        raise Problem(problems.UNDER_WAY, detail, headers={"Retry-After": "1"})
    if verdict is Verdict.REUSED:
        detail = "This identity was used for something else: give each call an identity of its own."
        raise Problem(problems.KEY_REUSED, detail)


def _answer(content: str, status: int) -> Response:
    return Response(content, status, media_type="application/json")
