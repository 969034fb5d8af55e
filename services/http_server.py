"""uvicorn on an event loop, a socket and signals of our own: what the webhook and the console
share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

KEEP_ALIVE: Final = 75
"""Seconds that a connection may be idle between two requests."""


@asynccontextmanager
async def serve_on(
    listener: socket.socket, app: Any, *, http: Any, date_header: bool, grace: float
) -> AsyncIterator[tuple[str, int]]:
    """Yields the address and port of the listener.

    There is no access log: addresses may say whom a page is about. At the end it accepts no more
    connections, and waits `grace` seconds for the requests in progress.
    """
    config = uvicorn.Config(
        app,
        http=http,
        loop="none",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=date_header,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]  # it waits for floats
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not server.serve(): it installs its own signal handlers, and wakes up ten times a second.
    await server.startup(sockets=[listener])
    try:
        yield listener.getsockname()[:2]
    finally:
        await server.shutdown(sockets=[listener])
        if cancelled := list(server.server_state.tasks):
            await asyncio.wait(cancelled, timeout=1)
