"""A small HTTP/1.1 server on httptools.  Handlers get the transport too: the simulator must also answer wrongly,
that is reset a connection or stop in the middle of a body.

Each request has a task.  It starts when the headers are read, and is cancelled when the client hangs up.  If a client
sends requests without waiting for the answers (pipelining), they are served one after the other.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from services.local.simulator.http_messages import BodyTooLarge, Request, Response, plain

GRACE = 0.2
"""Seconds that calls under way may still take when the server stops."""

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response | None]]
"""None: the handler has answered by itself, or nobody will."""


class Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """`path`: a name in braces stands for one part between slashes."""
    pieces = re.split(r"\{(\w+)\}", path)
    pattern = "".join(
        f"(?P<{piece}>[^/]+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)
    )
    return Route(method, re.compile(pattern), handler)


class HttpServer:
    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes
        self._listener: asyncio.Server | None = None
        self.connections: set[Connection] = set()

    async def start(self, host: str, port: int) -> int:
        """Returns the port on which it listens.  Raises OSError."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port
        )
        listening: int = self._listener.sockets[0].getsockname()[1]
        return listening

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        tasks = [connection.task for connection in self.connections if connection.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
        for connection in list(self.connections):
            connection.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def respond(self, request: Request) -> Response | None:
        allowed = []
        for method, path, handler in self._routes:
            if (found := path.fullmatch(request.path)) is None:
                continue
            if method == request.method:
                request.match = {name: unquote(value) for name, value in found.groupdict().items()}
                return await _handle(handler, request)
            allowed.append(method)
        return plain(405, {"Allow": ", ".join(allowed)}) if allowed else plain(404)


async def _handle(handler: Handler, request: Request) -> Response | None:
    try:
        return await handler(request)
    except BodyTooLarge:
        return plain(413)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return plain(500)


class Connection(asyncio.Protocol):
    """`task`: the request that is being served."""

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self.close()

    def close(self) -> None:
        self._waiting.clear()
        self.transport.close()
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is spoken here: the request is answered like any other
        except httptools.HttpParserError:
            self.transport.write(plain(400).encode(keep_alive=False))
            self.close()

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        parser = self._parser
        keep_alive = (
            parser.should_keep_alive()
            and parser.get_http_version() != "1.0"
            and not parser.should_upgrade()
        )
        method = parser.get_method().decode("ascii")
        self._arriving = Request(method, self._target, self._headers, keep_alive, self.transport)
        self._waiting.append(self._arriving)
        if self.task is None:
            self._serve_next()

    def on_body(self, data: bytes) -> None:
        self._arriving.feed(data)

    def on_message_complete(self) -> None:
        self._arriving.feed_end()

    def _serve_next(self) -> None:
        self.task = self._loop.create_task(self._serve(self._waiting.popleft()))

    async def _serve(self, request: Request) -> None:
        response = await self._server.respond(request)
        if response is not None:
            request.send(response)
        self.task = None
        if self._waiting and not self.transport.is_closing():
            self._serve_next()
