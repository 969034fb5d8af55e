"""The HTTP server under the webhook: uvicorn with httptools, but the event loop, sockets and
signals are ours.

Why this one: docs/decisions/0001-webhook-server.md.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.http_server import serve_on

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
    with _bind(host, port) as listener:
        async with serve_on(
            listener, app, http=BoundedProtocol, date_header=False, grace=grace
        ) as address:
            yield address


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
