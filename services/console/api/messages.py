"""Texts: list them, look at one, cancel it, and ask what would become of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.base import Day, Message, Slug
from schemas.decision import Verdict
from schemas.numbers import e164
from schemas.person import PersonRequest
from schemas.send_request import Kind, SendRequest
from schemas.text_hash import sha256_hex
from services.console.api.calls import ApiRoute, Call, changes, reads
from services.console.api.once import once
from services.console.api.paging import Next, PageQuery, as_given, next_page, not_found, scope_of
from services.console.api.scopes import Scope
from services.console.api.send_requests import SendText, build_request
from services.ledger.message_items import MailboxItem, find_items
from services.ledger.message_pages import MessageFilter, read_messages
from services.ledger.message_status import MessageStatus, find_request, find_statuses
from services.operations.requests import cancel, find_cancelable
from services.operations.submission import Known
from services.operations.text_preview import TextPreview, preview_text
from streams.lifecycle import State
from streams.mailboxes import Box

router = APIRouter(route_class=ApiRoute, tags=["messages"])
REQUESTED: Final = "requested"
"""The state of a text of which nothing is decided yet."""


class MessageQuery(PageQuery):
    """What is not given matches all. Days are those of the request, in the tenant's time zone."""

    box: Box | None = None
    needs_attention: bool | None = None
    state: list[State] = []
    error_code: list[str] = []
    kind: list[Kind] = []
    sender: list[str] = []
    branch: list[str] = []
    person_id: Slug | None = None
    case_id: Slug | None = None
    to: Annotated[str, Field(max_length=64)] | None = None
    since: Day | None = None
    until: Day | None = None


class Reason(BaseModel):
    """What a rule found, and what to do."""

    rule: str
    reason: str
    next_step: str


class MessageItem(BaseModel):
    message_id: str
    state: str
    """As in `streams/LIFECYCLE.md`, or `requested`: nothing is decided yet."""
    final: bool
    """No later report is expected."""
    to: str | None
    person_id: str | None
    case_id: str | None
    branch: str | None
    kind: str
    sender: str | None
    error_code: str | None
    error_title: str | None
    next_step: str | None
    segments: int
    test: bool
    """It is never sent."""
    box: Box | None
    needs_attention: bool
    reasons: list[Reason]
    """Why it waits or does not go."""
    requested_at: datetime
    changed_at: datetime


class MessagePage(BaseModel):
    items: list[MessageItem]
    next: Next


class MessageDetail(MessageItem):
    body: str | None
    """Its words, as long as they are kept."""
    body_sha256: str | None
    """An approval names it."""
    provider_id: str | None
    resent_as: str | None
    """The id of its latest resend."""


class CancelText(Message):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=200)] = ""


class CancelAnswer(BaseModel):
    message_id: str
    result: str
    """withdrawn, canceled, asked_again, too_late, in_doubt, not_sent or not_confirmed."""
    stopped: bool
    """It is certain that it will not be sent."""
    detail: str


class Price(BaseModel):
    micros: int
    """Millionths of the currency."""
    currency: str


class PreviewAnswer(BaseModel):
    """What would become of the text if it came now. Nothing is sent."""

    verdict: Verdict
    reasons: list[Reason]
    known: str
    """Whether its id was used before: new, same or another."""
    to: str | None
    """The number that it would go to."""
    sender: str | None
    body: str
    """As it would be sent."""
    segments: int
    departs_at: datetime | None
    """When it may leave, if nothing else changes."""
    queue_seconds: float | None
    asks_for_opt_in: bool
    """The recipient would be asked to opt in."""
    price: Price | None


@router.get("/v1/messages")
def list_messages(
    call: Annotated[Call, reads(Scope.MESSAGES_READ)], query: Annotated[MessageQuery, Query()]
) -> MessagePage:
    """List texts, the newest first."""
    wanted = MessageFilter(
        scope_of(call),
        query.box,
        query.needs_attention,
        states=as_given(query.state),
        codes=as_given(query.error_code),
        kinds=as_given(query.kind),
        senders=as_given(query.sender),
        branches=as_given(query.branch),
        person=query.person_id,
        case=query.case_id,
        number=e164(query.to) if query.to else None,
        since=query.since,
        until=query.until,
    )
    page = read_messages(call.ledger, wanted, call.now, cursor=query.cursor, limit=query.limit)
    return MessagePage(
        items=[MessageItem(**describe(item)) for item in page.rows],
        next=next_page(call, query, page.cursor),
    )


@router.get("/v1/messages/{message_id}")
def get_message(
    call: Annotated[Call, reads(Scope.MESSAGES_READ)], message_id: Slug
) -> MessageDetail:
    """Look at one text."""
    status = find_status(call, message_id)
    request = find_request(call.ledger, call.tenant, message_id)
    items = find_items(call.ledger, [message_id], call.now, call.tenant)
    fields = describe(items[0]) if items else describe_request(request, status)
    body = request.body if request else None
    return MessageDetail(
        **fields,
        body=body,
        body_sha256=sha256_hex(body) if body is not None else None,
        provider_id=status.provider_id,
        resent_as=status.resent_as,
    )


@router.post("/v1/messages/{message_id}/cancel", status_code=202, response_model=CancelAnswer)
async def cancel_message(
    call: Annotated[Call, changes(Scope.MESSAGES_WRITE)], message_id: Slug, told: CancelText
) -> Response:
    """Take a text back, if it has not left."""
    find_status(call, message_id)

    async def work() -> CancelAnswer:
        message = find_cancelable(call.ledger, message_id, call.tenant)
        found = await cancel(call.kafka, call.ledger, message, told.reason, call.by, call.now)
        return CancelAnswer(
            message_id=message_id,
            result=found.result,
            stopped=found.is_stopped,
            detail=found.sentence,
        )

    return await once(call, told, work)


@router.post("/v1/send-requests/preview")
def preview_send_request(
    call: Annotated[Call, reads(Scope.MESSAGES_WRITE)], text: SendText
) -> PreviewAnswer:
    """Ask what would become of a text: whether it goes, when, and at what price."""
    wanted = build_request(call, text, None if text.message_id else "preview")
    return _describe_preview(preview_text(call.ledger, wanted.request, call.now))


def find_status(call: Call, message_id: str) -> MessageStatus:
    """Raises Problem."""
    found = find_statuses(call.ledger, message_id, call.tenant)
    if not found:
        raise not_found("message")
    return found[0]


def describe(item: MailboxItem) -> dict[str, Any]:
    outcome = item.outcome
    return {
        "message_id": item.message_id,
        "state": outcome["state"],
        "final": outcome.get("final", False),
        "to": outcome.get("to"),
        **{name: outcome.get(name) for name in _SAME},
        "kind": outcome["kind"],
        "segments": outcome.get("segments", 0),
        "test": bool(outcome.get("test_mode")),
        "box": item.box,
        "needs_attention": item.attention,
        "reasons": [_reason(one) for one in item.findings],
        "requested_at": outcome["requested_at"],
        "changed_at": outcome["at"],
    }


_SAME: Final = (
    "person_id",
    "case_id",
    "branch",
    "sender",
    "error_code",
    "error_title",
    "next_step",
)


def describe_request(
    request: SendRequest | PersonRequest | None, status: MessageStatus
) -> dict[str, Any]:
    """Nothing is decided yet. Raises Problem."""
    if request is None:
        raise not_found("message")
    return {
        "message_id": request.message_id,
        "state": REQUESTED,
        "final": False,
        "to": status.number,
        "person_id": request.person_id,
        "case_id": request.case_id,
        "branch": request.branch,
        "kind": str(request.kind),
        "sender": request.sender,
        "error_code": None,
        "error_title": None,
        "next_step": None,
        "segments": 0,
        "test": bool(request.test_mode),
        "box": None,
        "needs_attention": False,
        "reasons": [],
        "requested_at": request.requested_at,
        "changed_at": request.requested_at,
    }


def _reason(finding: Any) -> Reason:
    return Reason(rule=finding.rule, reason=finding.reason, next_step=finding.next_step)


def _describe_preview(found: TextPreview) -> PreviewAnswer:
    known = {Known.NEW: "new", Known.SAME: "same", Known.ANOTHER: "another"}
    price = None
    if found.micros is not None and found.currency is not None:
        price = Price(micros=found.micros, currency=found.currency)
    return PreviewAnswer(
        verdict=found.verdict,
        reasons=[_reason(one) for one in found.findings],
        known=known[found.known],
        to=found.to,
        sender=found.sender,
        body=found.body,
        segments=found.segments,
        departs_at=found.departs_at,
        queue_seconds=found.queue_seconds,
        asks_for_opt_in=found.asks_for_opt_in,
        price=price,
    )
