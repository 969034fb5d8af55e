"""The stream of one tenant's changes, for whichever page is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from services.console.access import Allow, Visit, find_viewer
from services.console.live import Watch, find_audience
from services.console.viewer import Permission

router = APIRouter(include_in_schema=False)


@router.get("/t/{tenant}/stream")
async def follow(
    visit: Annotated[Visit, Allow(None)],
    seen: Annotated[str, Query(alias="from", max_length=60)] = "",
    last_event_id: Annotated[str, Header(max_length=60)] = "",
) -> StreamingResponse:
    """Server-sent events (`services.console.live`), from the position that the page has reached."""
    watch: Watch = visit.request.app.state.watch
    held = [one for one in Permission if visit.may(one)]
    everywhere = visit.viewer.branches(Permission.READ, visit.tenant) is None
    audience = find_audience(visit.tenant, held, all_branches=everywhere)
    stream = watch.open(audience, last_event_id or seen)

    def may_look() -> bool:
        return find_viewer(visit.request, visit.console.clock()) == visit.viewer

    async def events() -> AsyncIterator[bytes]:
        try:
            async for event in stream.events(may_look):
                yield event
        finally:
            watch.forget(stream)

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
