"""The API over HTTP: in-process on a ledger that a test has filled, or with a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.console.accounts.store import Store
from services.console.api.api import open_api
from services.console.api.keys import HIGHEST_RATE
from services.console.api.scopes import Scope
from services.console.app import build_app
from services.console.console import Console, LedgerSession
from services.console.server import serve
from services.settings import ServiceSettings
from tests.adapters.ledger_filler import fill_ledger
from tests.console.harness import URL, Harness, console_on

PATIENCE = 30.0
"""Seconds for a broker on a busy machine."""
ACME = TenantSettings(tenant="acme", name="Acme", sender="24273", time_zone="America/New_York")
BOLT = TenantSettings(tenant="bolt", name="Bolt", sender="24274")


class Caller:
    """A program with a key."""

    def __init__(self, http: httpx2.AsyncClient, key: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def ask(self, method: str, path: str, told: Any = None, **headers: str) -> Any:
        """With JSON, or with bytes as they are."""
        given: dict[str, Any] = {}
        if isinstance(told, bytes):
            given = {"content": told}
            headers = {"Content-Type": "application/json", **headers}
        elif told is not None:
            given = {"json": told}
        return await self._http.request(method, path, headers=self._headers | headers, **given)

    async def get(self, path: str, **headers: str) -> Any:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, told: Any = None, **headers: str) -> Any:
        return await self.ask("POST", path, told, **headers)

    async def put(self, path: str, told: Any = None, **headers: str) -> Any:
        return await self.ask("PUT", path, told, **headers)

    async def delete(self, path: str, **headers: str) -> Any:
        return await self.ask("DELETE", path, **headers)


class House:
    """An API and those who call it."""

    def __init__(self, harness: Harness, http: httpx2.AsyncClient) -> None:
        self.harness = harness
        self.http = http

    @property
    def published(self) -> list[tuple[str, Any]]:
        return self.harness.kafka.published

    def caller(
        self, tenant: str = "acme", scopes: Sequence[Scope] = tuple(Scope), **options: Any
    ) -> Caller:
        options = {"rate": HIGHEST_RATE, **options}
        now = self.harness.console.clock()
        made = self.harness.api.keys.add(tenant, "test", now, scopes=scopes, **options)
        return Caller(self.http, made.written)

    def stranger(self, key: str = "") -> Caller:
        return Caller(self.http, key)


@asynccontextmanager
async def house_on(state: Path, *messages: Any, **options: Any) -> AsyncIterator[House]:
    """No broker: what would be published is kept. Tenants acme and bolt have settings."""
    fill_ledger(state, (SETTINGS, ACME), (SETTINGS, BOLT), *messages)
    with console_on(state, **options) as harness:
        transport = httpx2.ASGITransport(harness.app, raise_app_exceptions=True)
        try:
            async with httpx2.AsyncClient(transport=transport, base_url=URL) as http:
                yield House(harness, http)
        finally:
            await harness.api.idempotency.close()


@asynccontextmanager
async def served(bootstrap: str, state: Path) -> AsyncIterator[str]:
    """The console on a port of this machine, with Kafka; what it listens at."""
    store = Store(state)
    async with LedgerSession(bootstrap, lambda: console.ledger, PATIENCE) as kafka:
        console = Console(ServiceSettings(state=state, bootstrap=bootstrap), URL, store, kafka)
        async with (
            open_api(console) as api,
            serve(build_app(console, api), "127.0.0.1", 0, grace=0.1) as (host, port),
        ):
            yield f"http://{host}:{port}"
    store.close()
