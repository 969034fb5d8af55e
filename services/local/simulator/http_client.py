"""A small HTTP/1.1 client on httptools, for callbacks: it posts, keeps connections open, and reads only the status."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import httptools

MOST_CONNECTIONS = 64
IDLE = 4.0
"""Seconds that an unused connection is kept.  Servers close one after 5 s or more, and should not while we write."""

_URL = re.compile(r"(?=[!-~]*$)(https?://[^/?#]+)(.*)", re.IGNORECASE)


class NoConnection(Exception):
    """Refused, unreachable, or no such host."""


class CutOff(Exception):
    """The connection broke before the status was read, time ran out, or the answer is not HTTP."""


class Origin(NamedTuple):
    """`head`: the header lines that are the same for all requests to it."""

    host: str
    port: int
    tls: bool
    head: str


class HttpClient:
    """`headers`: lines for every request.  `total`: seconds for a call; `connect`: how many of them until it has a
    connection."""

    def __init__(self, headers: str, total: float, connect: float) -> None:
        self._headers, self._total, self._connect = headers, total, connect
        self._loop = asyncio.get_running_loop()
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)
        self._idle: defaultdict[Origin, list[_Connection]] = defaultdict(list)
        self._open: set[_Connection] = set()
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, headers: str, body: bytes) -> int:
        """The status.  Redirects are not followed, and nothing is tried twice.  Raises NoConnection or CutOff."""
        origin, target = _split(url)
        head = f"POST {target} HTTP/1.1\r\n{origin.head}{self._headers}{headers}Content-Length: {len(body)}\r\n\r\n"
        began, connection = self._loop.time(), None
        try:
            async with asyncio.timeout_at(began + self._connect) as limit, self._free:
                connection = self._unused(origin) or await self._connected(origin)
                limit.reschedule(began + self._total)
                await connection.exchange(head.encode("latin-1") + body)
                if connection.can_be_kept:
                    self._idle[origin].append(connection)
        except TimeoutError:
            pass  # the status may have come, and the body not
        finally:
            if connection is not None and not connection.can_be_kept:
                connection.transport.abort()
        if connection is None or not connection.status:
            raise CutOff
        return connection.status

    async def close(self) -> None:
        for connection in list(self._open):
            connection.transport.abort()
        await asyncio.sleep(0)  # the transports close in the loop's next round

    def _unused(self, origin: Origin) -> _Connection | None:
        idle = self._idle[origin]
        while idle:
            connection = idle.pop()
            if (
                self._loop.time() - connection.idle_since < IDLE
                and not connection.transport.is_closing()
            ):
                return connection
            connection.transport.abort()
        return None

    async def _connected(self, origin: Origin) -> _Connection:
        if origin.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._open),
                origin.host,
                origin.port,
                ssl=self._tls if origin.tls else None,
            )
        except (OSError, UnicodeError) as error:
            raise NoConnection from error
        return connection


class _Connection(asyncio.Protocol):
    """One call at a time.  `status`: 0 until it is read."""

    transport: asyncio.Transport

    def __init__(self, connections: set[_Connection]) -> None:
        self._open = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._ended: asyncio.Future[None] | None = None
        self.status, self.can_be_kept, self.idle_since = 0, False, 0.0

    async def exchange(self, request: bytes) -> None:
        """Until the response is read, or the connection is lost."""
        self.status, self.can_be_kept = 0, False
        self._ended = self._loop.create_future()
        self.transport.write(request)
        await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        self._end()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.transport.abort()

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:  # a 100 may come before it
            self.status = status

    def on_message_complete(self) -> None:
        if self.status:
            self.can_be_kept = self._parser.should_keep_alive()
            self.idle_since = self._loop.time()
            self._end()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _split(url: str) -> tuple[Origin, str]:
    found = _URL.fullmatch(url)
    if found is None:
        raise CutOff(f"{url!r} cannot be called")
    origin, target = found.groups()
    return _origin(origin), target if target.startswith("/") else "/" + target


@lru_cache(maxsize=64)
def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise CutOff(f"{url!r} cannot be called") from None
    tls = parts.scheme == "https"
    head = f"Host: {parts.netloc.rpartition('@')[2]}\r\n"
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        head += f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
    return Origin(parts.hostname or "", port or (443 if tls else 80), tls, head)
