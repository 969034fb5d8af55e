"""Calls for texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple, TypedDict

from services.client.errors import ApiError, SaysoError
from services.client.models.base import Kind
from services.client.models.texts import (
    Accepted,
    ApprovalResults,
    Approvals,
    BatchAccepted,
    BatchResult,
    CancelAnswer,
    CancelText,
    DismissalResults,
    Dismissals,
    MessageDetail,
    MessagePage,
    PreviewAnswer,
    ResendAnswer,
    ResendText,
    SendBatch,
    SendText,
    ShownText,
)
from services.client.operation import Operation, change, new_identity, part, read

MOST: Final = 500
"""Texts of a batch."""
MOST_BYTES: Final = 2_000_000
"""Of a batch; the server takes 2 MiB."""
_PLACE: Final = re.compile(r"^requests\.(\d+)")


class MessageFilter(TypedDict, total=False):
    """What is not given matches all. Days are those of the request, in the tenant's time zone."""

    box: Literal["ready", "outbox", "sentbox"]
    needs_attention: bool
    state: Sequence[str]
    error_code: Sequence[str]
    kind: Sequence[Kind]
    sender: Sequence[str]
    branch: Sequence[str]
    person_id: str
    case_id: str
    to: str
    since: date
    until: date
    limit: int
    """Items of a page."""


class BatchStopped(SaysoError):
    """A part of a large batch was not taken, nor were those after it; `__cause__` says why.

    Send `rest` again: each of them has its message id now, so that none goes twice."""

    def __init__(self, results: tuple[BatchResult, ...], rest: tuple[SendText, ...]) -> None:
        super().__init__(f"{len(results)} texts were handled, {len(rest)} were not")
        self.results = results
        """Of the texts before, in their order."""
        self.rest = rest


class Chunk(NamedTuple):
    operation: Operation[BatchAccepted]
    size: int


def send(text: SendText, idempotency_key: str | None) -> Operation[Accepted]:
    """A message id is the identity of its call."""
    identity = text.message_id or idempotency_key
    return change("POST", "/v1/send-requests", Accepted, text, identity)


def name_texts(texts: Iterable[SendText]) -> list[SendText]:
    """Each with a message id, made once."""
    return [
        text if text.message_id else text.model_copy(update={"message_id": new_identity()})
        for text in texts
    ]


def send_batch(texts: Sequence[SendText]) -> Iterator[Chunk]:
    """In parts that the server takes."""
    chunk: list[SendText] = []
    size = 0
    for text in texts:
        more = len(text.encode()) + 1
        if chunk and (len(chunk) == MOST or size + more > MOST_BYTES):
            yield _send_chunk(chunk)
            chunk, size = [], 0
        chunk.append(text)
        size += more
    if chunk:
        yield _send_chunk(chunk)


def _send_chunk(texts: list[SendText]) -> Chunk:
    body = SendBatch(requests=tuple(texts)).encode()
    return Chunk(Operation("POST", "/v1/send-requests/batch", BatchAccepted, body), len(texts))


def count_from_start(error: SaysoError, done: int) -> SaysoError:
    """The server counts within its part: `requests.3.to` of the second part is the 504th text."""
    if not isinstance(error, ApiError) or not done:
        return error
    fields = tuple(
        one.model_copy(
            update={"field": _PLACE.sub(lambda at: f"requests.{int(at[1]) + done}", one.field)}
        )
        for one in error.problems
    )
    return ApiError(error.status, error.type, error.title, error.detail, fields, error.retry_after)


def preview(text: SendText) -> Operation[PreviewAnswer]:
    return Operation("POST", "/v1/send-requests/preview", PreviewAnswer, text.encode())


def message(message_id: str) -> Operation[MessageDetail]:
    return read(f"/v1/messages/{part(message_id)}", MessageDetail)


def messages(given: MessageFilter) -> Operation[MessagePage]:
    return read("/v1/messages", MessagePage, given)


def cancel(message_id: str, reason: str, idempotency_key: str | None) -> Operation[CancelAnswer]:
    path = f"/v1/messages/{part(message_id)}/cancel"
    return change("POST", path, CancelAnswer, CancelText(reason=reason), idempotency_key)


def decide(
    action: Literal["approve", "reject"], texts: Iterable[ShownText], idempotency_key: str | None
) -> Operation[ApprovalResults]:
    given = Approvals(action=action, texts=tuple(texts))
    return change("POST", "/v1/approvals", ApprovalResults, given, idempotency_key)


def resend(message_id: str, to: str | None, idempotency_key: str | None) -> Operation[ResendAnswer]:
    path = f"/v1/messages/{part(message_id)}/resend"
    return change("POST", path, ResendAnswer, ResendText(to=to), idempotency_key)


def dismiss(message_ids: Iterable[str], idempotency_key: str | None) -> Operation[DismissalResults]:
    given = Dismissals(message_ids=tuple(message_ids))
    return change("POST", "/v1/dismissals", DismissalResults, given, idempotency_key)
