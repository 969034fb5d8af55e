"""Approve or reject texts that wait for it. Each is named with the hash of the words that were
seen: words that have changed since are not approved."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.approval import ApprovalAction
from schemas.base import Message, Slug
from services.console.api.calls import ApiRoute, Call, changes
from services.console.api.once import once
from services.console.api.scopes import Scope
from services.operations.message_actions import MessageActions

router = APIRouter(route_class=ApiRoute, tags=["approvals"])
MOST: Final = 100


class ShownText(Message):
    model_config = ConfigDict(extra="forbid")

    message_id: Slug
    body_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """From `GET /v1/messages/{message_id}`."""


class Approvals(Message):
    model_config = ConfigDict(extra="forbid")

    action: Literal["approve", "reject"]
    texts: Annotated[tuple[ShownText, ...], Field(min_length=1, max_length=MOST)]


class ApprovalResult(BaseModel):
    message_id: str
    done: bool
    result: str
    """approved, rejected, waits, changed, already_approved, unknown, ..."""
    detail: str
    next_step: str
    by: str
    """Who decided, where somebody else was first."""


class ApprovalResults(BaseModel):
    results: list[ApprovalResult]


@router.post("/v1/approvals", status_code=202, response_model=ApprovalResults)
async def decide_texts(
    call: Annotated[Call, changes(Scope.APPROVALS)], told: Approvals
) -> Response:
    """Approve or reject texts."""

    async def work() -> ApprovalResults:
        actions = MessageActions(call.kafka, call.ledger, call.tenant, call.by, call.now)
        seen = {one.message_id: one.body_sha256 for one in told.texts}
        rows = await actions.decide(ApprovalAction(told.action), seen)
        return ApprovalResults(
            results=[
                ApprovalResult(
                    message_id=row.message_id,
                    done=row.done,
                    result=row.result,
                    detail=row.says,
                    next_step=row.next_step,
                    by=row.by,
                )
                for row in rows
            ]
        )

    return await once(call, told, work)
