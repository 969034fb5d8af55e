"""A small HTTP/1.1 server on httptools.

Handlers get the transport too, because the simulator must also answer wrongly: reset a connection,
or stop in the middle of a body.

Each request has a task. It starts when the headers are read, and is cancelled when the client hangs
up. A client may send requests without waiting for the responses (pipelining): they are served one
after the other.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import unquote

import httptools

GRACE: Final = 0.2
"""Seconds that requests under way may still take when the server stops."""
LARGEST_BODY: Final = 256 << 10
_TEXT: Final = "text/plain; charset=utf-8"
_WITHOUT_BODY: Final = frozenset({204, 304})

logger = logging.getLogger(__name__)


class BodyTooLarge(Exception):
    """The body has more than LARGEST_BODY bytes."""


class Response(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = _TEXT
    headers: Mapping[str, str] = {}

    def encode(self, keep_alive: bool = True) -> bytes:
        """Head and body in one piece, so that one system call writes both."""
        body = b"" if self.status in _WITHOUT_BODY else self.body
        head = _status_line(self.status) + _date_line(int(time.time()))
        if self.status not in _WITHOUT_BODY:
            head += f"Content-Type: {self.content_type}\r\nContent-Length: {len(body)}\r\n"
        for name, value in self.headers.items():
            head += f"{name}: {value}\r\n"
        head += "\r\n" if keep_alive else "Connection: close\r\n\r\n"
        return head.encode("latin-1") + body


def plain_response(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The status in words."""
    return Response(status, f"{status}: {_phrase(status)}".encode(), headers=headers or {})


@lru_cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {_phrase(status)}\r\n"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a script may ask for any status
        return "Unknown"


@lru_cache(maxsize=4)
def _date_line(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


class Request:
    __slots__ = (
        "_body",
        "_complete",
        "_size",
        "_waiter",
        "headers",
        "keep_alive",
        "match",
        "method",
        "path",
        "query_string",
        "transport",
    )

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: dict[bytes, bytes],
        keep_alive: bool,
        transport: asyncio.Transport,
    ) -> None:
        self.method = method
        self.headers = headers
        """Names in lower case."""
        self.keep_alive = keep_alive
        self.transport = transport
        """For handlers that must answer wrongly."""
        self.path, _, self.query_string = target.decode("latin-1").partition("?")
        self.match: dict[str, str] = {}
        """What the path has where the route's path has names in braces."""
        self._body: list[bytes] = []
        self._size = 0
        self._complete = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= LARGEST_BODY:
            self._body.append(data)

    def feed_end(self) -> None:
        self._complete = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(self) -> bytes:
        """The whole body. Raises BodyTooLarge."""
        if not self._complete:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._size > LARGEST_BODY:
            raise BodyTooLarge
        return b"".join(self._body)

    def send(self, response: Response) -> bool:
        """Whether all of it was written to a connection that was open until then.

        Whether the client read it, nobody on this side can know.
        """
        if self.transport.is_closing():
            return False
        self.transport.write(response.encode(self.keep_alive))
        if self.transport.is_closing():  # asyncio closes a connection on which a write has failed
            return False
        if not self.keep_alive:
            self.transport.close()
        return True


Handler = Callable[[Request], Awaitable[Response | None]]
"""None: the handler has answered by itself, or nobody will."""


class Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """In the path, a name in braces stands for one part between slashes."""
    pieces = re.split(r"\{(\w+)\}", path)
    pattern = "".join(
        f"(?P<{piece}>[^/]+)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)
    )
    return Route(method, re.compile(pattern), handler)


class HttpServer:
    def __init__(self, routes: list[Route]) -> None:
        self._routes = routes
        self._listener: asyncio.Server | None = None
        self.connections: set[Connection] = set()

    async def start(self, host: str, port: int) -> int:
        """Returns the port on which it listens. Raises OSError."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), host, port
        )
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

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
            matched = path.fullmatch(request.path)
            if matched is None:
                continue
            if method == request.method:
                groups = matched.groupdict()
                request.match = {name: unquote(value) for name, value in groups.items()}
                return await _call_handler(handler, request)
            allowed.append(method)
        if allowed:
            return plain_response(405, {"Allow": ", ".join(allowed)})
        return plain_response(404)


async def _call_handler(handler: Handler, request: Request) -> Response | None:
    try:
        return await handler(request)
    except BodyTooLarge:
        return plain_response(413)
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return plain_response(500)


class Connection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self.task: asyncio.Task[None] | None = None
        """Serves the current request."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.discard(self)
        self.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is spoken here: the request is answered like any other
        except httptools.HttpParserError:
            self.transport.write(plain_response(400).encode(keep_alive=False))
            self.close()

    # What httptools calls

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

    def close(self) -> None:
        self._waiting.clear()
        self.transport.close()
        if self.task is not None:
            self.task.cancel()

    def _serve_next(self) -> None:
        self.task = self._loop.create_task(self._serve(self._waiting.popleft()))

    async def _serve(self, request: Request) -> None:
        response = await self._server.respond(request)
        if response is not None:
            request.send(response)
        self.task = None
        if self._waiting and not self.transport.is_closing():
            self._serve_next()
