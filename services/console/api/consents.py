"""`POST /v1/tenants/{tenant}/consents`: forms report what people decided.

It is older than the rest of the API: errors also have the member `error`, and an id that was used
for something else is answered by 409. An opt-out is never refused for what is wrong beside its
number.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

import orjson
import structlog
from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from schemas.base import Slug
from schemas.consent import ConsentAction, ConsentEvent
from schemas.numbers import mask_number
from schemas.topics import CONSENT_EVENTS
from services.console.api import problems
from services.console.api.bodies import read_body
from services.console.api.calls import (
    ApiRoute,
    Call,
    ParsedRequest,
    changes,
)
from services.console.api.consent_claims import parse_claim
from services.console.api.idempotency import Verdict
from services.console.api.idempotency_store import Claim
from services.console.api.problems import Problem, unavailable
from services.console.api.scopes import Scope
from services.operations.errors import OperationFailed

log = structlog.get_logger("sayso.api")
MAX_BODY: Final = 32 << 10
"""Bytes. 4,000 characters of wording, each escaped as \\uXXXX, are 24 kB."""


class ConsentRoute(ApiRoute):
    """An opt-out counts as far as it can be read, so the body is not checked as a whole."""

    max_body = MAX_BODY

    def get_route_handler(self) -> Any:
        handle = super().get_route_handler()

        async def handle_claim(request: Request) -> Response:
            answer = await handle(request)
            if answer.media_type != problems.MEDIA_TYPE:
                return answer
            body = orjson.loads(answer.body)
            told = orjson.dumps(body | {"error": body["detail"]})
            del answer.headers["Content-Length"]
            return Response(told, answer.status_code, answer.headers)

        return handle_claim

    async def _handle(self, handle: Any, request: Request) -> Response:
        header = request.headers.get("Idempotency-Key")
        told = parse_body(await read_body(request, self.max_body), header)
        return await super()._handle(handle, ParsedRequest(request, b"", told))


router = APIRouter(route_class=ConsentRoute, tags=["consents"])


class ConsentTaken(BaseModel):
    """Kafka has the claim. The gate decides what becomes of it."""

    event_id: str
    action: str
    source: str
    repeated: bool
    """The same was reported before, under this id: nothing happened again."""


@router.post(
    "/v1/tenants/{tenant}/consents",
    status_code=202,
    response_model=ConsentTaken,
    responses={200: {"model": ConsentTaken, "description": "It was reported before"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/ConsentClaim"}}
            },
        }
    },
)
async def report_consent(
    call: Annotated[Call, changes(Scope.CONSENTS, named=False)],
    tenant: Annotated[Slug, Path(description="The tenant of the key.")],
    request: Request,
    _idempotency_key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="Another way to send `event_id`."),
    ] = None,
) -> Response:
    """Report that somebody opted in or out."""
    event = parse_claim(tenant, await request.json(), call.key.id, call.now)
    if not isinstance(event, ConsentEvent):
        detail = "Put right what `problems` names, and send it again."
        raise Problem(problems.INVALID, detail, event)
    claim = Claim(tenant, f"consent/{event.event_id}", _hash_content(event))
    (reserved,) = await call.api.idempotency.reserve([claim], call.now)
    if reserved.verdict is Verdict.DONE:
        return _answer(event, repeated=True)
    # The gate takes an opt-out under any id.
    is_free = reserved.verdict is Verdict.GO
    if not is_free and event.action != ConsentAction.OPT_OUT:
        raise _refuse(reserved.verdict)
    await _publish(call, event, claim if is_free else None)
    return _answer(event, repeated=False)


async def _publish(call: Call, event: ConsentEvent, claim: Claim | None) -> None:
    claims = [claim] if claim else []
    try:
        await call.kafka.publish(CONSENT_EVENTS, [event])
    except OperationFailed as problem:
        call.api.idempotency.release(claims)
        log.warning("not published", tenant=event.tenant, problem=str(problem))
        raise unavailable(
            "Kafka did not confirm: send the same again, under the same event_id."
        ) from None
    except BaseException:
        call.api.idempotency.release(claims)
        raise
    call.api.idempotency.finish(claims)
    number = mask_number(event.number)
    log.info("taken", tenant=event.tenant, number=number, action=str(event.action))


def _refuse(verdict: Verdict) -> Problem:
    if verdict is Verdict.UNDER_WAY:
        detail = "The same event is still under way: wait, then send the same again."
        return Problem(problems.UNDER_WAY, detail, headers={"Retry-After": "1"})
    detail = "This event_id was used for something else: give each event an id of its own."
    problem = Problem(problems.KEY_REUSED, detail)
    problem.status = 409
    return problem


def _answer(event: ConsentEvent, *, repeated: bool) -> Response:
    answer = ConsentTaken(
        event_id=event.event_id,
        action=event.action,
        source=event.source,
        repeated=repeated,
    )
    return Response(
        answer.model_dump_json(), 200 if repeated else 202, media_type="application/json"
    )


def _hash_content(event: ConsentEvent) -> bytes:
    """Of everything but the key: a caller may have a new one when it tries again."""
    evidence = event.evidence.model_copy(update={"key_id": None})
    content = event.model_copy(update={"evidence": evidence})
    return hashlib.sha256(content.model_dump_json().encode()).digest()


def parse_body(body: bytes, header: str | None) -> dict[str, Any]:
    """The header `Idempotency-Key` is another way to send `event_id`. Raises Problem."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(problems.MALFORMED, "The body is not JSON in UTF-8.") from None
    if not isinstance(told, dict):
        raise Problem(problems.MALFORMED, "The body is not a JSON object.")
    if header is None:
        return told
    if told.get("event_id", header) != header:
        detail = "Idempotency-Key and event_id differ: send one of them, or the same in both."
        raise Problem(problems.INVALID, detail)
    return told | {"event_id": header}
