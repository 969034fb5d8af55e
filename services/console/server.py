"""The HTTP server under the console: uvicorn on our own event loop, socket and signals."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn

KEEP_ALIVE: Final = 75
"""Seconds that a connection may be idle between two requests."""


@asynccontextmanager
async def serve(app: Any, host: str, port: int, *, grace: float) -> AsyncIterator[tuple[str, int]]:
    """Yields the address and port it listens on. Raises OSError if it cannot listen.

    There is no access log: addresses may say whom a page is about.
    """
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]  # it waits for floats
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        await server.startup(sockets=[listener])
        try:
            yield listener.getsockname()[:2]
        finally:
            server.should_exit = True
            await server.shutdown(sockets=[listener])
