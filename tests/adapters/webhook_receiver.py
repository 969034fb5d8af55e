"""A tenant's program that takes event webhooks: it verifies signatures as their receivers do."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from standardwebhooks import Webhook

HOSTS = "127.0.0.1"


class Taken(NamedTuple):
    id: str
    type: str
    payload: dict[str, Any]
    path: str


Behave = Callable[[Taken], Awaitable[web.StreamResponse] | web.StreamResponse]


def take(_event: Taken) -> web.Response:
    return web.Response(status=204)


def fail(_event: Taken) -> web.Response:
    return web.Response(status=500, text="broken")


async def hang(_event: Taken) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


class Receiver:
    """`secrets`: those that it knows; a call that none of them verifies is an error."""

    def __init__(self) -> None:
        self.url = ""
        self.secrets: list[str] = []
        self.behave: Behave = take
        self.calls: list[Taken] = []
        self.forged: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.open = 0
        self.most_open = 0

    @property
    def ids(self) -> list[str]:
        return [call.id for call in self.calls]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not any(self._verifies(secret, body, headers) for secret in self.secrets):
            self.forged.append(request.path)
            return web.Response(status=401)
        payload = json.loads(body)
        taken = Taken(headers["webhook-id"], payload["type"], payload, request.path)
        self.calls.append(taken)
        self.headers.append(headers)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            answer = self.behave(taken)
            return answer if isinstance(answer, web.StreamResponse) else await answer
        finally:
            self.open -= 1

    def _verifies(self, secret: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            Webhook(secret).verify(body, headers)
        except Exception:  # noqa: BLE001 - whatever its reason, this is no call of ours
            return False
        return True


@asynccontextmanager
async def receiving(trust: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """`trust`: the server's certificate, for HTTPS."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, HOSTS, 0, ssl_context=trust).start()
    port = runner.addresses[0][1]
    receiver.url = (
        f"http://{HOSTS}:{port}/hook" if trust is None else f"https://localhost:{port}/hook"
    )
    try:
        yield receiver
    finally:
        await runner.cleanup()
