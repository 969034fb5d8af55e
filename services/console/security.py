"""What holds for every answer and every request, whatever its route: headers, and who may post."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
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


class SecurityMiddleware:
    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
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

        async def receive_bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise BodyTooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        await app(scope, receive_bounded, send_with_headers)

    def _refuse(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        if headers.get("host", "") != self._host and scope["path"] not in HEALTH:
            # Another name that leads here could read pages through a browser (DNS rebinding).
            return PlainTextResponse(f"This console answers at {self._origin} only.\n", 421)
        if int(headers.get("content-length") or 0) > MAX_BODY:
            return PlainTextResponse(f"Send at most {MAX_BODY} bytes.\n", 413)
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


class BodyTooLarge(Exception):
    """More bytes than the request announced, or than anybody may send."""
