"""The HTTP client that Twilio's SDK calls through: quiet, shared, and able to say whether a request had left."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any
from urllib.parse import urlencode

from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from services.failpoints import CRASH_AT, hit
from services.http_client import HttpClient, MalformedResponse, encode_headers


class Flight:
    """One call under way.  `departed` is set just before the first byte is written: a call that failed before it is
    known not to have reached the provider.  `held` is asked at that very moment."""

    __slots__ = ("departed", "held", "response")

    def __init__(self, held: Callable[[], bool] = lambda: True) -> None:
        self.held = held
        self.departed = False
        self.response: Response | None = None

    def depart(self) -> None:
        """Called on an established connection; the request is written as soon as this returns."""
        if not self.held():
            raise LeaseOver
        self.departed = True


flight: ContextVar[Flight] = ContextVar("flight")
"""Set by whoever wants to know."""


class LeaseOver(Exception):
    """The sender may be somebody else's by now: nothing was written."""


class QuietSession(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Stands in for the SDK's own client (9.13, `http/async_http_client.py`), which logs numbers and headers, sets no
    time limit, and keeps the last request and response on itself.

    Nothing is logged or kept here.  The caller sets the time limit (`timeout` is ignored), redirects are not followed,
    and nothing is retried: a retry could send a text twice.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._http = HttpClient(connections)
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._after_write = partial(hit, "request-written") if CRASH_AT in os.environ else None

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # the SDK's signature
        allow_redirects: bool = False,
    ) -> Response:
        call = flight.get(None)
        response = await self._http.request(
            method,
            f"{url}?{urlencode(params)}" if params else url,
            self._head(headers or {}, auth),
            urlencode(data).encode() if data else b"",
            before_write=call.depart if call else None,
            after_write=self._after_write,
        )
        try:
            text = response.body.decode()
        except UnicodeDecodeError:
            raise MalformedResponse("not in UTF-8") from None  # the error quotes the body
        known = {"Retry-After": response.headers.get(b"retry-after", b"").decode("latin-1")}
        told = Response(response.status, text, known)
        if call:
            call.response = told
        return told

    async def close(self) -> None:
        await self._http.close()

    def _head(self, headers: Mapping[str, str], auth: tuple[str, str] | None) -> bytes:
        """The SDK sends the same few sets of headers again and again: each is encoded once."""
        key = (auth, *headers.items())
        if (head := self._heads.get(key)) is None:
            more = {"Accept-Encoding": "identity"}
            if auth is not None:
                more["Authorization"] = (
                    "Basic " + base64.b64encode(":".join(auth).encode()).decode()
                )
            head = self._heads[key] = encode_headers({**headers, **more})
        return head

    def log_request(self, kwargs: Mapping[str, Any]) -> None:
        """Nothing: numbers stay out of logs."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing: the caller says what came of it."""
