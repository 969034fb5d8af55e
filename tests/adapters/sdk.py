"""Twilio's SDK as anybody would use it, in a thread of its own: nothing of the product's is in
between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from services.local.simulator import Simulator


class Sdk:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, **form: Any) -> Any:
        known = {"to": "+14155550100", "from_": "24365", "body": "Your table is ready"}
        return await self._call(self._client.messages.create, **{**known, **form})

    async def fetch(self, sid: str) -> Any:
        return await self._call(self._client.messages(sid).fetch)

    async def update(self, sid: str, **form: Any) -> Any:
        return await self._call(self._client.messages(sid).update, **form)

    async def delete(self, sid: str) -> Any:
        return await self._call(self._client.messages(sid).delete)

    async def list(self, **query: Any) -> list[Any]:
        listed: list[Any] = await self._call(self._client.messages.list, **query)
        return listed

    async def _call(self, what: Callable[..., Any], **given: Any) -> Any:
        return await asyncio.to_thread(what, **given)


@asynccontextmanager
async def sdk(
    simulator: Simulator, url: str | None = None, token: str | None = None
) -> AsyncIterator[Sdk]:
    http = TwilioHttpClient(timeout=10)
    client = Client(
        simulator.account_sid,
        token or simulator.auth_token,
        http_client=http,
        environment={"none": "of it"},
    )
    client.api.base_url = url or simulator.url
    try:
        yield Sdk(client)
    finally:
        assert http.session is not None
        http.session.close()
