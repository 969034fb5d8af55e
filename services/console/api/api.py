"""What every call works with, besides what the console has."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from services.console.api.idempotency import Idempotency
from services.console.api.idempotency_store import IdempotencyStore
from services.console.api.keys import ApiKeys
from services.console.api.rate_limit import RateLimit
from services.console.api.tenants import TenantDirectory
from services.console.console import Console
from services.ledger.location import locate_ledger


class Api:
    def __init__(self, console: Console, idempotency: Idempotency) -> None:
        state = console.settings.state
        self.console = console
        self.idempotency = idempotency
        self.keys = ApiKeys(state)
        self.tenants = TenantDirectory(locate_ledger(console.settings))
        self.rate_limit = RateLimit()

    def now(self) -> datetime:
        return self.console.clock()

    @staticmethod
    def monotonic() -> float:
        return time.monotonic()


@asynccontextmanager
async def open_api(console: Console) -> AsyncIterator[Api]:
    """Raises sqlite3.Error where its file cannot be used."""
    idempotency = Idempotency(IdempotencyStore(console.settings.state))
    try:
        yield Api(console, idempotency)
    finally:
        await idempotency.close()
