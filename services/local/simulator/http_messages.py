"""Requests and responses of the small HTTP server (see `http_server.py`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

LARGEST_BODY = 256 << 10
TEXT = "text/plain; charset=utf-8"
NO_BODY = frozenset({204, 304})


class BodyTooLarge(Exception):
    """The body has more than LARGEST_BODY bytes."""


class Response(NamedTuple):
    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = {}

    def encode(self, keep_alive: bool = True) -> bytes:
        """Head and body in one piece, so that one system call writes both."""
        body = b"" if self.status in NO_BODY else self.body
        head = _status_line(self.status) + _date_line(int(time.time()))
        if self.status not in NO_BODY:
            head += f"Content-Type: {self.content_type}\r\nContent-Length: {len(body)}\r\n"
        for name, value in self.headers.items():
            head += f"{name}: {value}\r\n"
        return (head + ("\r\n" if keep_alive else "Connection: close\r\n\r\n")).encode(
            "latin-1"
        ) + body


def plain(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The status in words."""
    return Response(status, f"{status}: {_phrase(status)}".encode(), headers=headers or {})


class Request:
    """`headers`: names in lower case.  `match`: what the route's path has in braces.  `transport`: for handlers that
    must answer wrongly."""

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
        self.method, self.headers, self.keep_alive, self.transport = (
            method,
            headers,
            keep_alive,
            transport,
        )
        self.path, _, self.query_string = target.decode("latin-1").partition("?")
        self.match: dict[str, str] = {}
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
        """The whole body.  Raises BodyTooLarge."""
        if not self._complete:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._size > LARGEST_BODY:
            raise BodyTooLarge
        return b"".join(self._body)

    def send(self, response: Response) -> bool:
        """Says whether all of it was put on a connection that was open until then.  (That it was read nobody on this
        side can know.)"""
        if self.transport.is_closing():
            return False
        self.transport.write(response.encode(self.keep_alive))
        if self.transport.is_closing():  # asyncio closes a connection on which a write has failed
            return False
        if not self.keep_alive:
            self.transport.close()
        return True


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
