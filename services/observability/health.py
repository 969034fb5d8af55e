"""`/started`, `/live`, `/ready` and `/metrics` of a process, on a port of their own.

None of them asks Kafka, so that whoever restarts what is not alive does not restart everything
while Kafka is away. `/live` says that the event loop turns, and no more: whether a worker moves is
for its own watchdog, which ends it and says why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from services.observability.registry import CONTENT_TYPE, MetricRegistry
from services.ports import explain_bind_errors

Ready = Callable[[], dict[str, Any]]
"""The parts of readiness, such as `{"assigned": True}`. The process is ready when all of them are
true."""
Started = Callable[[], bool]


def build_routes(
    metrics: MetricRegistry, ready: Ready, started: Started | None = None
) -> list[web.RouteDef]:
    """`started`: whether what a start needs is done, by default that it is ready. Once it was, it
    stays so."""
    was_started = False

    async def has_started(_request: web.Request) -> web.Response:
        nonlocal was_started
        was_started = was_started or (started() if started else all(ready().values()))
        return web.json_response({"started": was_started}, status=200 if was_started else 503)

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def is_ready(_request: web.Request) -> web.Response:
        parts = ready()
        well = all(parts.values())
        return web.json_response({"ready": well, **parts}, status=200 if well else 503)

    async def show_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    return [
        web.get("/started", has_started),
        web.get("/live", live),
        web.get("/ready", is_ready),
        web.get("/metrics", show_metrics),
    ]


@asynccontextmanager
async def serve_health(
    host: str, port: int, metrics: MetricRegistry, ready: Ready, started: Started | None = None
) -> AsyncIterator[int]:
    """Yields the port it listens on; 0 asks for any free one. Raises CannotListen."""
    app = web.Application()
    app.add_routes(build_routes(metrics, ready, started))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        with explain_bind_errors(host, port, "SAYSO_METRICS_PORT"):
            await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
