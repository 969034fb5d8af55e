"""The HTTP session under Twilio's SDK: quiet, shared, and able to say whether a request had left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiohttp
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response

from services.crashpoints import CRASH_AT, reached


class Flight:
    """One call under way.  `departed` is set just before the first byte is written: a call that failed before it is
    known not to have reached the provider.  `held` is asked at that very moment."""

    __slots__ = ("departed", "held", "response")

    def __init__(self, held: Callable[[], bool] = lambda: True) -> None:
        self.held = held
        self.departed = False
        self.response: Response | None = None


flight: ContextVar[Flight] = ContextVar("flight")
"""Set by whoever wants to know."""


class LeaseOver(Exception):
    """The sender may be somebody else's by now: nothing was written."""


async def _departs(_session: Any, _context: Any, _headers: Any) -> None:
    """aiohttp (3.14, `http_writer.py`) calls this when there is a connection, before it writes the head of the request,
    whatever the name of the hook says; what is raised here closes the connection."""
    if call := flight.get(None):
        if not call.held():
            raise LeaseOver
        call.departed = True


async def _written(_session: Any, _context: Any, _chunk: Any) -> None:
    """aiohttp calls this right before it writes the body, and does not wait in between."""
    asyncio.get_running_loop().call_soon(reached, "request-written")


class QuietSession(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """What the SDK's own client does and we do not want (9.13, `http/async_http_client.py`):

    - it logs URLs, query parameters (which hold numbers) and headers: nothing is logged here;
    - its `timeout` argument is never used and the call goes out with *no* time limit: the caller sets one;
    - it keeps the last request and answer, body and all, on itself: overwritten here;
    - without a session of its own it mixes up the answers of calls that overlap: it always has one here;
    - `max_retries` would send a text again after a 5xx: not used.  aiohttp repeats only idempotent methods;
    - it asks aiohttp for BasicAuth, which aiohttp 3.14 warns of: the header is written here.

    Connections are closed after 15 s of idling, before the other side does it under a request of ours.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=False)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_departs)
        if CRASH_AT in os.environ:
            trace.on_request_chunk_sent.append(_written)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=15),
            trace_configs=[trace],
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(self, *args: Any, auth: tuple[str, str] | None = None, **kwargs: Any) -> Response:
        if auth is not None:
            kwargs["headers"]["Authorization"] = aiohttp.encode_basic_auth(*auth)
        response = await super().request(*args, **kwargs)
        self._test_only_last_request = self._test_only_last_response = None
        if call := flight.get(None):
            call.response = response
        return response

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: numbers stay out of logs."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing: the caller says what came of it."""
