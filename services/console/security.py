"""What holds for every answer and every request, whatever its route: headers, and who may post."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; manifest-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing inline, so no nonces."""
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NOT_KEPT: Final = "no-store"
"""Cache-Control of everything but static files: pages show numbers and texts."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY: Final = 4 << 20
"""Bytes: a file of people to import is the largest that anybody sends."""
HEALTH: Final = frozenset({"/live", "/ready"})
"""Asked by whatever watches the process, under any name."""
FRAMES: Final = 12
"""Of a fault, the innermost, which are logged."""

log = structlog.get_logger("sayso.console")


class SecurityMiddleware:
    """`draw_fault` draws the answer to a fault of ours."""

    def __init__(self, app: ASGIApp, url: str, draw_fault: Callable[[Request], Response]) -> None:
        self._app = app
        self._draw_fault = draw_fault
        self._origin = url
        self._secure = url.startswith("https:")
        self._host = urlsplit(url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refuse(scope, headers)
        app = self._app if refusal is None else refusal
        seen = 0
        has_started = False

        async def receive_bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise BodyTooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            await app(scope, receive_bounded, send_with_headers)
        except Exception as error:  # noqa: BLE001  # whatever it was, nothing of it leaves here
            log_fault(error)
            if not has_started:
                answer = self._draw_fault(Request(scope))
                await answer(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        if headers.get("host", "") != self._host and scope["path"] not in HEALTH:
            # Another name that leads here could read pages through a browser (DNS rebinding).
            return PlainTextResponse(f"This console answers at {self._origin} only.\n", 421)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return PlainTextResponse("Content-Length is no number.\n", 400)
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            return PlainTextResponse(f"Send at most {MAX_BODY} bytes.\n", 413)
        if not _is_utf8(headers.get("content-type", "")):
            return PlainTextResponse("Send words in UTF-8.\n", 415)
        if scope["method"] in SAFE:
            return None
        return None if self._is_ours(headers) else PlainTextResponse(_FORGED, 403)

    def _is_ours(self, headers: Headers) -> bool:
        """A browser says where a request comes from, and no page can change what it says."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return headers.get("origin") == self._origin

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", NOT_KEPT)
        if self._secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


_FORGED: Final = "This did not come from a page of this console: open the page again.\n"


def _is_utf8(content_type: str) -> bool:
    """Forms name the encoding of their fields, and Python knows some that make half characters."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True


def log_fault(error: Exception) -> None:
    """What it was and where, without its words: they may hold a number, a text or a token."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    at = [f"{frame.filename}:{frame.lineno}" for frame in frames]
    log.error("failed", error=type(error).__name__, at=at)


class BodyTooLarge(Exception):
    """More bytes than the request announced, or than anybody may send."""
