"""One client connection: HTTP/1.1 over an asyncio transport, parsed by httptools (llhttp, the
parser of Node.js).

A connection carries one request at a time. It is used again only after a complete, well-formed
response. In every other case it is closed, so that a late response can never answer another
request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, cast

import httptools

MAX_HEAD: Final = 64 * 1024
"""Bytes of status line and headers, informational responses included."""


class HttpError(Exception):
    """The server or the network broke HTTP."""


class ConnectionClosed(HttpError):
    """The server closed the connection before it answered."""


class IncompleteResponse(HttpError):
    """The connection ended in the middle of a response."""


class MalformedResponse(HttpError):
    """The response is not HTTP/1.x."""


class ResponseTooLarge(HttpError):
    """The response is larger than the client accepts."""


class HttpResponse(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    """Names in lower case. Of a repeated header the last value."""
    body: bytes


class Connection(asyncio.Protocol):
    def __init__(self, max_response: int, on_lost: Callable[[Connection], None]) -> None:
        """`max_response`: bytes of head and body on the wire. `on_lost` is called when the
        connection has ended."""
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._max_response = max_response
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[HttpResponse] | None = None
        self._usable = False
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._received = 0
        self._has_head = False

    @property
    def usable(self) -> bool:
        """Ready for a request: established, and not known to be closed."""
        return self._usable and self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> asyncio.Future[HttpResponse]:
        """Write a whole request. Only on a usable connection without a request in progress."""
        assert self._transport is not None
        assert self._waiter is None
        self._headers = {}
        self._body = []
        self._received = 0
        self._has_head = False
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return waiter

    def abort(self) -> None:
        """Close at once: what is not written yet is dropped, what arrives is ignored."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._usable = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # no request in progress: a server may say why it closes the connection
            return
        self._received += len(data)
        if self._received > self._max_response:
            self._fail(ResponseTooLarge(f"more than {self._max_response:,} bytes"))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(MalformedResponse(type(error).__name__))  # its text may quote the response
        if not self._has_head and self._received > MAX_HEAD:
            self._fail(ResponseTooLarge(f"more than {MAX_HEAD:,} bytes of headers"))

    def eof_received(self) -> None:
        """A response without a length ends where the connection does."""
        if self._has_head and not self._is_framed():
            self._finish(reusable=False)
        elif self._received:
            self._fail(IncompleteResponse("closed in the middle of a response"))
        else:
            self._fail(ConnectionClosed("closed before a response"))

    def connection_lost(self, error: Exception | None) -> None:
        self._usable = False
        if error is None:
            self.eof_received()
        elif self._received:
            self._fail(IncompleteResponse("broken in the middle of a response"), error)
        elif isinstance(error, OSError):
            self._fail(error)
        else:
            self._fail(ConnectionClosed("broken before a response"), error)
        self._on_lost(self)
        if not self.lost.done():
            self.lost.set_result(None)

    # What httptools calls

    def on_message_begin(self) -> None:
        if self._waiter is None:
            self.abort()  # a second response to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # else a trailer
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._has_head = not 100 <= status < 200  # informational: the response itself comes later

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._has_head:
            self._finish(reusable=self._parser.should_keep_alive())
        else:
            self._headers = {}

    def _is_framed(self) -> bool:
        """Whether the head says where the body ends. (A response that never has a body is complete
        with its head.)"""
        encoding = self._headers.get(b"transfer-encoding", b"").lower()
        return b"content-length" in self._headers or encoding.endswith(b"chunked")

    def _finish(self, *, reusable: bool) -> None:
        waiter, self._waiter = self._waiter, None
        if not reusable:
            self.abort()
        if waiter is not None and not waiter.done():
            response = HttpResponse(
                self._parser.get_status_code(), self._headers, b"".join(self._body)
            )
            waiter.set_result(response)

    def _fail(self, error: Exception, cause: Exception | None = None) -> None:
        waiter, self._waiter = self._waiter, None
        self.abort()
        if waiter is not None and not waiter.done():
            error.__cause__ = cause
            waiter.set_exception(error)
