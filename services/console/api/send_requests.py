"""`POST /v1/send-requests`: ask for texts, one or many. The hot path of the API.

A message id is an identity for good: the same request again is never sent twice. What each answer
says can be made again from its call, so that none is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple, Self

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164
from schemas.person import NumberType, PersonRequest
from schemas.send_request import Kind, SendRequest, UndoSeconds
from schemas.structs import encode
from services.console.api import problems
from services.console.api.calls import Call, HotBatchRoute, HotRoute, sends
from services.console.api.idempotency import Reserved, Verdict
from services.console.api.idempotency_store import Claim
from services.console.api.once import require_free
from services.console.api.problems import Problem, ProblemDetails
from services.console.api.scopes import Scope
from services.operations.submission import MAX_BATCH, Known, submit_requests

LONGEST_BODY: Final = 4000
"""Characters. The gate judges what a text may be."""
_ANOTHER: Final = Known.ANOTHER

single = APIRouter(route_class=HotRoute, tags=["messages"])
batch = APIRouter(route_class=HotBatchRoute, tags=["messages"])
routers: Final = (single, batch)


class SendText(Message):
    """One text: to a number, or to a person, whose number Sayso picks."""

    model_config = ConfigDict(extra="forbid")

    message_id: Slug | None = None
    """Names the text for good. Left out, `Idempotency-Key` is its name."""
    to: Annotated[str, Field(max_length=64)] | None = None
    """With plus and country code."""
    person_id: Slug | None = None
    """Instead of `to`, or beside it: whom the text is for."""
    number_type: NumberType | None = None
    """With `person_id` and without `to`: a number of this type."""
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_BODY)]
    kind: Kind = Kind.TRANSACTIONAL
    branch: Slug | None = None
    case_id: Slug | None = None
    event_id: Slug | None = None
    event_at: UtcTime | None = None
    event_title: Annotated[str, Field(max_length=200)] | None = None
    sender: Annotated[str, Field(max_length=128)] | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    postal_region: Annotated[str, Field(max_length=16)] | None = None
    not_before: UtcTime | None = None
    valid_until: UtcTime | None = None
    undo_seconds: UndoSeconds | None = None
    """The gate holds it for so long, so that a cancel can take it back."""

    @model_validator(mode="after")
    def _has_a_recipient(self) -> Self:
        if self.to is None and self.person_id is None:
            raise ValueError("say whom it is for: give `to` or `person_id`")
        if self.number_type is not None and (self.to is not None or self.person_id is None):
            raise ValueError("`number_type` chooses among a person's numbers: leave out `to`")
        return self


class SendBatch(Message):
    """Up to 500 texts. Either each of them can be read, or none is taken."""

    model_config = ConfigDict(extra="forbid")

    requests: Annotated[tuple[SendText, ...], Field(min_length=1, max_length=MAX_BATCH)]
    """Each with its `message_id`."""


class Accepted(BaseModel):
    """Kafka has the request. `GET /v1/messages/{message_id}` tells what becomes of it."""

    message_id: str


class BatchResult(BaseModel):
    message_id: str
    accepted: bool
    problem: ProblemDetails | None = None
    """Why it was not accepted."""


class BatchAccepted(BaseModel):
    """One result for each request, in their order."""

    results: list[BatchResult]


_REUSED: Final = Problem(
    problems.KEY_REUSED,
    "This message id was used for another text: give each text an id of its own.",
)


class Wanted(NamedTuple):
    request: SendRequest | PersonRequest
    claim: Claim


@single.post(
    "/v1/send-requests",
    status_code=202,
    response_model=Accepted,
)
async def send_text(call: Annotated[Call, sends(Scope.MESSAGES_WRITE)], text: SendText) -> Response:
    """Ask for a text."""
    wanted = build_request(call, text, call.idempotency_key)
    (reserved,) = await submit(call, [wanted])
    require_free(reserved.verdict)
    return _respond({"message_id": wanted.request.message_id})


@batch.post(
    "/v1/send-requests/batch",
    status_code=202,
    response_model=BatchAccepted,
)
async def send_texts(
    call: Annotated[Call, sends(Scope.MESSAGES_WRITE)], texts: SendBatch
) -> Response:
    """Ask for up to 500 texts."""
    wanted = [build_request(call, text, None) for text in texts.requests]
    first: dict[tuple[str, str], Wanted] = {}
    for one in wanted:
        first.setdefault(one.claim.identity, one)
    reserved = dict(zip(first, await submit(call, tuple(first.values())), strict=True))
    results = [_result(one, first, reserved[one.claim.identity]) for one in wanted]
    return _respond({"results": results})


def build_request(call: Call, text: SendText, key: str | None) -> Wanted:
    """Raises Problem."""
    message_id = text.message_id or key
    if message_id is None:
        detail = "Give `message_id`, or the header Idempotency-Key: it names the text for good."
        raise Problem(problems.IDEMPOTENCY_KEY, detail)
    if key is not None and message_id != key:
        detail = "Idempotency-Key and message_id differ: send one of them, or the same in both."
        raise Problem(problems.IDEMPOTENCY_KEY, detail)
    number = None if text.to is None else e164(text.to)
    values = _read_shared(text)
    fields = dict(zip(_SHARED, values, strict=True))
    test = call.key.test or None
    who: dict[str, Any] = {
        "message_id": message_id,
        "tenant": call.tenant,
        "requested_at": call.now,
        "requested_by": call.by,
        "test_mode": test,
    }
    request: SendRequest | PersonRequest
    if number is not None:
        request = SendRequest(**fields, **who, to=number)
    else:
        request = PersonRequest(**fields, **who, number_type=text.number_type)
    said = hashlib.sha256(encode((number, text.number_type, test, *values))).digest()
    return Wanted(request, Claim(call.tenant, f"message/{message_id}", said))


_SHARED: Final = tuple(
    name for name in SendText.model_fields if name not in ("message_id", "to", "number_type")
)
_read_shared: Final = attrgetter(*_SHARED)


async def submit(call: Call, wanted: Sequence[Wanted]) -> list[Reserved]:
    """Publish what is new, and return once Kafka has it all. Raises OperationError.

    An id may have been used without the API: the ledger knows that. Their claims differ."""
    idempotency = call.api.idempotency
    reserved = await idempotency.reserve([one.claim for one in wanted], call.now)
    going = [
        one for one, found in zip(wanted, reserved, strict=True) if found.verdict is Verdict.GO
    ]
    claims = [one.claim for one in going]
    try:
        if any(found.verdict is Verdict.UNDER_WAY for found in reserved):
            require_free(Verdict.UNDER_WAY)
        requests = [one.request for one in going]
        known = await submit_requests(call.kafka, call.ledger, requests) if requests else []
    except BaseException:
        idempotency.release(claims)
        raise
    another = {
        claim.identity for claim, found in zip(claims, known, strict=True) if found is _ANOTHER
    }
    idempotency.refuse(claim for claim in claims if claim.identity in another)
    idempotency.finish(claim for claim in claims if claim.identity not in another)
    return [
        Reserved(Verdict.REUSED) if one.claim.identity in another else found
        for one, found in zip(wanted, reserved, strict=True)
    ]


def _result(
    wanted: Wanted, first: dict[tuple[str, str], Wanted], reserved: Reserved
) -> dict[str, Any]:
    same = first[wanted.claim.identity].claim == wanted.claim
    accepted = same and reserved.verdict is not Verdict.REUSED
    return {
        "message_id": wanted.request.message_id,
        "accepted": accepted,
        "problem": None if accepted else _REUSED.body(),
    }


def _respond(answer: Any) -> Response:
    return Response(orjson.dumps(answer), 202, media_type="application/json")
