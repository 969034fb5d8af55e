"""`/live`, `/ready` and `/metrics` of a process, on a port of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from services.observability.meters import CONTENT, Meters
from services.ports import explain_bind_errors

Ready = Callable[[], dict[str, Any]]
"""What readiness is made of: `{"assigned": True, ...}`; ready means that all of it is true."""


def answers(meters: Meters, ready: Ready) -> list[web.RouteDef]:
    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def is_ready(_request: web.Request) -> web.Response:
        found = ready()
        well = all(found.values())
        return web.json_response({"ready": well, **found}, status=200 if well else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=meters.text(), headers={"Content-Type": CONTENT})

    return [web.get("/live", live), web.get("/ready", is_ready), web.get("/metrics", metrics)]


@asynccontextmanager
async def serving(host: str, port: int, meters: Meters, ready: Ready) -> AsyncIterator[int]:
    """The port it listens on; 0 asks for any that is free.  Raises CannotListen."""
    app = web.Application()
    app.add_routes(answers(meters, ready))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        with explain_bind_errors(host, port, "SAYSO_METRICS_PORT"):
            await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
