"""`/` leads to the first page that the viewer may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.console.access import PUBLIC, Allow, Visit
from services.console.console import Console
from services.console.navigation import ITEMS
from services.console.rendering import draw

router = APIRouter(include_in_schema=False)


@router.get("/")
def show_home(visit: Annotated[Visit, Allow(None)]) -> Response:
    for tenant in visit.viewer.tenants(visit.console.tenants()):
        for item in ITEMS:
            if visit.viewer.may(item.permission, tenant):
                return RedirectResponse(f"/t/{tenant}/{item.path}", 303)
    return draw(visit, "home.html")


@router.get("/ready")
async def tell_ready(console: Annotated[Console, PUBLIC]) -> JSONResponse:
    """Whether Kafka can be had."""
    ready = await console.kafka.is_ready()
    return JSONResponse({"ready": ready, "kafka": ready}, 200 if ready else 503)


@router.get("/live")
def tell_alive(_console: Annotated[Console, PUBLIC]) -> dict[str, bool]:
    return {"live": True}
