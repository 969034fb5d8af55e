"""The HTTP server under the webhook: uvicorn with httptools, but the event loop, sockets and
signals are ours.

Why this one: docs/decisions/0001-webhook-server.md.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEEP_ALIVE: Final = 75
"""Seconds that a connection may be idle between two requests."""
MAX_REQUEST: Final = 1 << 20
"""Bytes of one request on the wire: httptools itself has no limit for headers and trailers."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes the connection of a request that never ends. The application's own limit for bodies is
    far below this."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._received += len(data)
        if self._received > MAX_REQUEST and not self.transport.is_closing():
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._received = 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._received = 0
        super().on_message_complete()


@asynccontextmanager
async def serve(app: Any, host: str, port: int, *, grace: float) -> AsyncIterator[tuple[str, int]]:
    """Yields the address and port it listens on. Raises OSError if it cannot listen.

    At the end it accepts no more connections, and waits `grace` seconds for the requests in
    progress.
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="none",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,  # type: ignore[arg-type]  # it waits for floats
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not server.serve(): it installs its own signal handlers, and wakes up ten times a second.
    with _bind(host, port) as listener:
        await server.startup(sockets=[listener])
        try:
            yield listener.getsockname()[:2]
        finally:
            await server.shutdown(sockets=[listener])
            if cancelled := list(server.server_state.tasks):
                await asyncio.wait(cancelled, timeout=1)


def _bind(host: str, port: int) -> socket.socket:
    """asyncio sets TCP_NODELAY only on a socket that was created with IPPROTO_TCP.
    `socket.create_server` does not do that, and every response with a body would take 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener
