"""A small HTTP/1.1 client for calls that must know whether they left this machine.

Theory of operation
-------------------
`request` first gets an established connection: an idle one, or a new one. Then it calls
`before_write` and writes the whole request, with nothing awaited in between. If `before_write` was
not called, or has raised, no byte has left this machine. General clients cannot promise that. A
request is written at most once: nothing is retried, and no redirect is followed. No proxy is used,
whatever the environment says.

The client sets no time-out: callers set one around the call (`asyncio.timeout`). A call that is
cancelled closes its connection, so that a late response can never answer another request. Why this
is written by hand: `docs/decisions/0002-provider-client.md`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from aiohappyeyeballs import start_connection

from services.http_connection import (
    Connection,
    ConnectionClosed,
    HttpError,
    HttpResponse,
    IncompleteResponse,
    MalformedResponse,
    ResponseTooLarge,
)

__all__ = [
    "ConnectionClosed",
    "HttpClient",
    "HttpError",
    "HttpResponse",
    "IncompleteResponse",
    "InvalidUrl",
    "MalformedResponse",
    "ResponseTooLarge",
    "encode_headers",
]

IDLE_TIMEOUT: Final = 15.0
"""Seconds until an idle connection is closed. The server must not close it first: it might do so
during a request."""
MAX_RESPONSE: Final = 16 * 1024 * 1024
"""Bytes. The largest that we expect is a list of 1,000 long messages with every character
escaped."""
_SECOND_ADDRESS: Final = 0.25
"""Seconds until the next address of a host is tried as well (RFC 8305)."""
_PLAIN: Final = re.compile(r"[!-~]+")
_RESERVED: Final = "!#$%&'()*+,/:;=?@[]~"
_NO_BODY: Final = frozenset({"GET", "HEAD"})


class InvalidUrl(HttpError):
    """Not the URL of an HTTP server."""


class _Origin:
    """Scheme, host and port of a URL, and the idle connections to it, the one used last at the
    end."""

    def __init__(self, scheme: str, netloc: str) -> None:
        parts = urlsplit(f"{scheme}://{netloc}")
        try:
            host = (parts.hostname or "").encode("idna").decode()
            port = parts.port
        except ValueError as error:
            raise InvalidUrl("not a host and a port") from error
        if scheme not in ("http", "https") or not host or parts.username is not None:
            raise InvalidUrl("not http(s)://host or http(s)://host:port")
        self.secure = scheme == "https"
        self.host = host
        usual = 443 if self.secure else 80
        self.port = port or usual
        name = f"[{host}]" if ":" in host else host
        self.header = f"Host: {name}{'' if self.port == usual else f':{port}'}\r\n".encode()
        self.idle: deque[Connection] = deque()


class HttpClient:
    def __init__(
        self,
        connections: int = 32,
        *,
        idle_timeout: float = IDLE_TIMEOUT,
        max_response: int = MAX_RESPONSE,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`connections`: how many requests may be in progress; others wait.

        `ssl_context`: by default the server's certificate is checked against the system's
        authorities, and its name against the URL's host.
        """
        self._slots = asyncio.Semaphore(connections)
        self._idle_timeout = idle_timeout
        self._max_response = max_response
        self._ssl_context = ssl_context
        self._locate = lru_cache(maxsize=64)(self._parse_url)
        self._origins: dict[tuple[str, str], _Origin] = {}
        self._open: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    async def request(
        self,
        method: str,
        url: str,
        headers: bytes = b"",
        body: bytes = b"",
        *,
        before_write: Callable[[], None] | None = None,
        after_write: Callable[[], None] | None = None,
    ) -> HttpResponse:
        """Send one request and read its whole response.

        `headers`: from `encode_headers`; Host and Content-Length are added. If `before_write`
        raises, nothing is written, and its exception is raised here.

        Raises HttpError and OSError for what the network or the server does.
        """
        origin, target = self._locate(url)
        length = b"" if not body and method in _NO_BODY else b"Content-Length: %d\r\n" % len(body)
        request = b"%b %b HTTP/1.1\r\n%b%b%b\r\n%b" % (
            method.encode(),
            target,
            origin.header,
            headers,
            length,
            body,
        )
        async with self._slots:
            connection = self._take_idle(origin) or await self._connect(origin)
            try:
                if before_write is not None:
                    before_write()
                waiter = connection.send(request)
                if after_write is not None:
                    after_write()
                response = await waiter
            except BaseException:
                connection.abort()
                raise
            self._release(connection, origin)
        return response

    async def close(self) -> None:
        """Close all connections, also during requests too. The next request opens them again."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        lost = [connection.lost for connection in self._open]
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.gather(*lost)

    def _parse_url(self, url: str) -> tuple[_Origin, bytes]:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InvalidUrl("not a URL") from error
        origin = self._origins.get((parts.scheme, parts.netloc))
        if origin is None:
            origin = self._origins[parts.scheme, parts.netloc] = _Origin(parts.scheme, parts.netloc)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        if not _PLAIN.fullmatch(target):
            target = quote(target, safe=_RESERVED)
        return origin, target.encode("ascii")

    def _take_idle(self, origin: _Origin) -> Connection | None:
        """The connection used last that is neither closed nor idle for too long."""
        deadline = asyncio.get_running_loop().time() - self._idle_timeout
        while origin.idle:
            connection = origin.idle.pop()
            if connection.usable and connection.idle_since > deadline:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: _Origin) -> Connection:
        if origin.secure and self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        # asyncio's own happy eyeballs leak the winner's socket if the call is cancelled at that
        # moment.
        connected = await start_connection(addresses, happy_eyeballs_delay=_SECOND_ADDRESS)
        _, connection = await loop.create_connection(
            lambda: Connection(self._max_response, self._open.discard),
            sock=connected,
            ssl=self._ssl_context if origin.secure else None,
            server_hostname=origin.host if origin.secure else None,
        )
        if not connection.usable:
            raise ConnectionClosed("closed as soon as it was made")
        self._open.add(connection)
        return connection

    def _release(self, connection: Connection, origin: _Origin) -> None:
        if not connection.usable:
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        origin.idle.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_timeout, self._close_idle)

    def _close_idle(self) -> None:
        """One timer for all connections: one for each would be set and cancelled at every call."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() - self._idle_timeout
        self._sweep = None
        for origin in self._origins.values():
            while origin.idle and origin.idle[0].idle_since <= deadline:
                origin.idle.popleft().abort()
        oldest = min(
            (origin.idle[0].idle_since for origin in self._origins.values() if origin.idle),
            default=None,
        )
        if oldest is not None:
            self._sweep = loop.call_at(oldest + self._idle_timeout, self._close_idle)


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Header lines as bytes. Raises ValueError for a header with a line break, which could add
    other headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("a header has a line break in it")
    return lines.encode("latin-1")
