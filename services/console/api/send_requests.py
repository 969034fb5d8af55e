"""`POST /v1/send-requests`: ask for texts, one or many. The hot path of the API.

A message id is an identity for good: the same request again is never sent twice. What each answer
says can be made again from its call, so that none is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple, Self

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from schemas.base import Message, Slug, UtcTime
from schemas.numbers import e164
from schemas.person import NumberType, PersonRequest
from schemas.send_request import Kind, SendRequest
from schemas.structs import encode
from schemas.topics import PERSON_REQUESTS, SEND_REQUESTS
from services.console.api import problems
from services.console.api.calls import Call, HotBatchRoute, HotRoute, sends
from services.console.api.idempotency import Reserved, Verdict
from services.console.api.idempotency_store import Claim
from services.console.api.once import require_free
from services.console.api.problems import Problem, ProblemDetails
from services.console.api.scopes import Scope

MAX_BATCH: Final = 500
LONGEST_BODY: Final = 4000
"""Characters. The gate judges what a text may be."""
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

single = APIRouter(route_class=HotRoute, tags=["messages"])
batch = APIRouter(route_class=HotBatchRoute, tags=["messages"])
routers: Final = (single, batch)


class SendText(Message):
    """One text: to a number, or to a person, whose number Sayso picks."""

    model_config = ConfigDict(extra="forbid", title="SendRequest")

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
    (reserved,) = await call.api.idempotency.reserve([wanted.claim], call.now)
    require_free(reserved.verdict)
    if reserved.verdict is Verdict.GO:
        await publish(call, [wanted])
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
    reserved = dict(
        zip(
            first,
            await call.api.idempotency.reserve([one.claim for one in first.values()], call.now),
            strict=True,
        )
    )
    going = [one for name, one in first.items() if reserved[name].verdict is Verdict.GO]
    if any(found.verdict is Verdict.UNDER_WAY for found in reserved.values()):
        call.api.idempotency.release(one.claim for one in going)
        require_free(Verdict.UNDER_WAY)
    await publish(call, going)
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
    fields = {name: getattr(text, name) for name in _SHARED}
    fields |= {"message_id": message_id, "tenant": call.tenant, "requested_by": call.by}
    fields["test_mode"] = True if call.key.test else None
    request: SendRequest | PersonRequest
    if text.to is not None:
        request = SendRequest(**fields, to=e164(text.to), requested_at=_ANY_TIME)
    else:
        request = PersonRequest(**fields, number_type=text.number_type, requested_at=_ANY_TIME)
    said = hashlib.sha256(encode(request.model_copy(update={"requested_by": None}))).digest()
    at = request.model_copy(update={"requested_at": call.now})
    return Wanted(at, Claim(call.tenant, f"message/{message_id}", said))


_SHARED: Final = tuple(
    name for name in SendText.model_fields if name not in ("message_id", "to", "number_type")
)


async def publish(call: Call, wanted: Sequence[Wanted]) -> None:
    """Returns once Kafka has them all. Raises OperationFailed."""
    claims = [one.claim for one in wanted]
    try:
        await _publish(call, SEND_REQUESTS, _only(SendRequest, wanted))
        await _publish(call, PERSON_REQUESTS, _only(PersonRequest, wanted))
    except BaseException:
        call.api.idempotency.release(claims)
        raise
    call.api.idempotency.finish(claims)


async def _publish(call: Call, topic: Any, requests: list[Any]) -> None:
    if requests:
        await call.kafka.publish(topic, requests)


def _only(kind: type[Any], wanted: Iterable[Wanted]) -> list[Any]:
    return [one.request for one in wanted if isinstance(one.request, kind)]


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
