"""Usage, and the senders of the tenant."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from schemas.base import Day
from schemas.reports import UsageRow
from services.console.api.calls import ApiRoute, Call, reads
from services.console.api.paging import invalid
from services.console.api.scopes import Scope
from services.ledger.sender_overview import SenderOverview, list_senders
from services.ledger.usage import UsageFilter, read_usage_rows
from streams.usage.measure import local_day

router = APIRouter(route_class=ApiRoute)
MOST_DAYS: Final = 400
USUAL: Final = 30


class UsageQuery(BaseModel):
    """Days are the tenant's local ones, both included. Left out, the last 31."""

    model_config = ConfigDict(extra="forbid")

    since: Day | None = None
    until: Day | None = None
    branch: str | None = None
    sender: str | None = None
    kind: str | None = None
    state: str | None = None


class Usage(BaseModel):
    since: Day
    until: Day
    messages: int
    segments: int
    rows: list[UsageRow]


class SenderItem(BaseModel):
    sender: str
    kind: str | None
    state: str
    """running, paused, resting, unknown_sender, or not used yet."""
    segments_per_second: float | None
    shared: bool
    """Other tenants text from it as well: then its queue is nobody's own."""
    queued_messages: int | None
    queued_segments: int | None
    drain_seconds: float | None
    as_of: datetime | None


class Senders(BaseModel):
    items: list[SenderItem]


@router.get("/v1/usage", tags=["usage"])
def get_usage(
    call: Annotated[Call, reads(Scope.USAGE)], query: Annotated[UsageQuery, Query()]
) -> Usage:
    """Count texts, segments and costs, by day, branch, sender, kind, state and code."""
    until = query.until or local_day(call.now, call.zone)
    since = query.since or date.fromordinal(max(1, until.toordinal() - USUAL))
    if not 0 <= (until - since).days < MOST_DAYS:
        raise invalid("since", f"name a day up to {MOST_DAYS - 1} days before `until`")
    wanted = UsageFilter(
        call.tenant,
        since=since,
        until=until,
        sender=query.sender,
        branch=query.branch,
        kind=query.kind,
        state=query.state,
    )
    rows = read_usage_rows(call.ledger, wanted)
    return Usage(
        since=since,
        until=until,
        messages=sum(row.messages for row in rows),
        segments=sum(row.segments for row in rows),
        rows=list(rows),
    )


@router.get("/v1/senders", tags=["messages"])
def get_senders(call: Annotated[Call, reads(Scope.MESSAGES_READ)]) -> Senders:
    """List what the tenant texts from, with queue and pace."""
    return Senders(
        items=[
            _describe(one)
            for one in list_senders(call.ledger)
            if one.settings is not None and call.tenant in one.settings.tenants
        ]
    )


def _describe(one: SenderOverview) -> SenderItem:
    shared = one.settings is None or len(one.settings.tenants) > 1
    return SenderItem(
        sender=one.sender,
        kind=one.settings.kind if one.settings else None,
        state=one.state,
        segments_per_second=one.pace,
        shared=shared,
        queued_messages=None if shared else one.messages,
        queued_segments=None if shared else one.segments,
        drain_seconds=one.status.drain_seconds if one.status and not shared else None,
        as_of=one.status.at if one.status else None,
    )
