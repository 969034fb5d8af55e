"""The HTTP session under Twilio's SDK: quiet, shared by all calls, and able to say whether a
request had started."""

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


class LeaseExpired(Exception):
    """The sender may be another worker's by now. Nothing was written."""


class CallState:
    """What is known of one call in progress."""

    __slots__ = ("has_lease", "request_started", "response")

    def __init__(self, has_lease: Callable[[], bool] = lambda: True) -> None:
        self.has_lease = has_lease
        self.request_started = False
        """Set just before the first byte is written. A call that failed before did not reach the
        provider."""
        self.response: Response | None = None

    def start_request(self) -> None:
        """Called on an established connection. The request is written as soon as this returns.

        Raises LeaseExpired.
        """
        if not self.has_lease():
            raise LeaseExpired
        self.request_started = True


current_call: ContextVar[CallState] = ContextVar("current_call")
"""The SDK has no parameter for it."""


class TwilioSession(AsyncHttpClient):  # type: ignore[misc]  # the SDK has no types
    """Replaces the SDK's own client (9.13, `http/async_http_client.py`), which logs numbers and
    headers, sets no time-out, and keeps the last request and response.

    Nothing is logged or kept here. The caller sets the time-out (`timeout` is ignored). Redirects
    are not followed, and nothing is retried: a retry could send a text twice.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._http = HttpClient(connections)
        self._encoded_headers: dict[tuple[object, ...], bytes] = {}
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
        call = current_call.get(None)
        answer = await self._http.request(
            method,
            f"{url}?{urlencode(params)}" if params else url,
            self._encode_headers(headers or {}, auth),
            urlencode(data).encode() if data else b"",
            before_write=call.start_request if call else None,
            after_write=self._after_write,
        )
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            raise MalformedResponse("not in UTF-8") from None  # the error quotes the body
        retry_after = answer.headers.get(b"retry-after", b"").decode("latin-1")
        response = Response(answer.status, text, {"Retry-After": retry_after})
        if call:
            call.response = response
        return response

    async def close(self) -> None:
        await self._http.close()

    def _encode_headers(self, headers: Mapping[str, str], auth: tuple[str, str] | None) -> bytes:
        """The SDK sends a few sets of headers again and again: each is encoded once."""
        key = (auth, *headers.items())
        if (encoded := self._encoded_headers.get(key)) is None:
            more = {"Accept-Encoding": "identity"}
            if auth is not None:
                token = base64.b64encode(":".join(auth).encode()).decode()
                more["Authorization"] = f"Basic {token}"
            encoded = self._encoded_headers[key] = encode_headers({**headers, **more})
        return encoded

    def log_request(self, kwargs: Mapping[str, Any]) -> None:
        """Log nothing: numbers stay out of logs."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Log nothing: the caller reports the result."""
