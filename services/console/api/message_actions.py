"""What staff do with texts that failed: send one again, also to a corrected number, or take it off
the lists."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.base import Message, Slug
from services.console.api.calls import ApiRoute, Call, changes
from services.console.api.messages import find_status
from services.console.api.once import once
from services.console.api.paging import parse_number
from services.console.api.scopes import Scope
from services.ledger.message_items import find_items
from services.operations.message_actions import MessageActions, RowResult, describe_resend
from services.operations.resend_plan import Resend, plan_resend, publish_resends

router = APIRouter(route_class=ApiRoute, tags=["messages"])
MOST: Final = 100
NOT_JUDGED: Final = RowResult(
    "", False, "not_possible", "Nothing is decided about it yet", "ask again in a moment"
)


class ResendText(Message):
    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(max_length=64)] | None = None
    """Another number: it replaces the old one, also on the person's record."""


class ResendAnswer(BaseModel):
    message_id: str
    done: bool
    result: str
    """resent or not_possible."""
    detail: str
    resent_as: str | None
    """The id of the new text."""


class Dismissals(Message):
    model_config = ConfigDict(extra="forbid")

    message_ids: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=MOST)]


class DismissalResult(BaseModel):
    message_id: str
    done: bool
    result: str
    """dismissed, already_dismissed, not_failed or unknown."""
    detail: str
    by: str
    """Who dismissed it, where somebody else was first."""


class DismissalResults(BaseModel):
    results: list[DismissalResult]


@router.post("/v1/messages/{message_id}/resend", status_code=202, response_model=ResendAnswer)
async def resend_message(
    call: Annotated[Call, changes(Scope.MESSAGES_WRITE)], message_id: Slug, told: ResendText
) -> Response:
    """Send a text once more that was sent or failed, as a new request. No rule is skipped."""
    find_status(call, message_id)
    number = parse_number(told.to, "to") if told.to is not None else None

    async def work() -> ResendAnswer:
        items = find_items(call.ledger, [message_id], call.now, call.tenant)
        if not items:
            return _describe_resend(message_id, NOT_JUDGED)
        plan = plan_resend(call.ledger, items[0], number, call.by, call.now)
        if isinstance(plan, Resend):
            await publish_resends(call.kafka, [plan])
        return _describe_resend(message_id, describe_resend(message_id, plan))

    return await once(call, told, work)


@router.post("/v1/dismissals", status_code=202, response_model=DismissalResults)
async def dismiss_messages(
    call: Annotated[Call, changes(Scope.MESSAGES_WRITE)], told: Dismissals
) -> Response:
    """Take failed texts off the lists. They stay on record."""

    async def work() -> DismissalResults:
        actions = MessageActions(call.kafka, call.ledger, call.tenant, call.by, call.now)
        rows = await actions.dismiss(told.message_ids)
        return DismissalResults(results=[_describe_dismissal(row) for row in rows])

    return await once(call, told, work)


def _describe_resend(message_id: str, row: RowResult) -> ResendAnswer:
    return ResendAnswer(
        message_id=message_id,
        done=row.done,
        result=row.result,
        detail=row.says,
        resent_as=row.resent_as or None,
    )


def _describe_dismissal(row: RowResult) -> DismissalResult:
    return DismissalResult(
        message_id=row.message_id, done=row.done, result=row.result, detail=row.says, by=row.by
    )
