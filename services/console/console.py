"""What every request works with: settings, the ledger, Kafka, the console's own store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from services.console.accounts.store import Store
from services.kafka.batch_publisher import BatchPublisher
from services.ledger import Ledger
from services.ledger.change_feed import freshness
from services.ledger.location import locate_ledger
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import PATIENCE, Session
from services.settings import ServiceSettings

T = TypeVar("T")
KAFKA_TIMEOUT: Final = 5.0
"""Seconds for Kafka to confirm."""
TENANTS_KEPT: Final = 1.0
"""Seconds: every page names the tenants that one can go to."""
POLL: Final = 0.05
"""Seconds between two looks at the ledger while a request waits for an answer."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Console:
    def __init__(
        self,
        settings: ServiceSettings,
        url: str,
        store: Store,
        kafka: Session,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.url = url
        """Its own address, as browsers write it, without a slash at the end."""
        self.store = store
        self.kafka = kafka
        self.clock = clock
        self._ledger: Ledger | None = None
        self._tenants: tuple[float | None, tuple[str, ...]] = (None, ())
        """When they were looked up, and which there were."""

    @property
    def ledger(self) -> Ledger:
        """For all threads. Raises LedgerError while there is none."""
        if self._ledger is None:
            self._ledger = Ledger.open_for_reading(locate_ledger(self.settings))
        return self._ledger

    def tenants(self) -> tuple[str, ...]:
        """All that have settings, by name; as they were within the last second."""
        looked_at, found = self._tenants
        if looked_at is None or time.monotonic() - looked_at > TENANTS_KEPT:
            rows = self.ledger.rows("SELECT tenant FROM tenants ORDER BY tenant")
            found = tuple(row["tenant"] for row in rows)
            self._tenants = (time.monotonic(), found)
        return found


class LedgerSession(Session):
    """A session whose process does not read the topics: the ledger's own process does."""

    def __init__(
        self, bootstrap: str, ledger: Callable[[], Ledger], timeout: float = KAFKA_TIMEOUT
    ) -> None:
        super().__init__(bootstrap, source="console")
        self._publisher = BatchPublisher(bootstrap, source="console", timeout=timeout)
        self._ledger = ledger

    async def require_tenants(self, *tenants: str) -> None:
        rows = self._ledger().rows("SELECT tenant FROM tenants")
        known = {row["tenant"] for row in rows}
        for tenant in tenants:
            if tenant not in known:
                raise InvalidRequest(f"There is no tenant {tenant!r}", "publish its settings first")

    async def refresh(self, ledger: Ledger) -> None:
        """Wait until the ledger's own process has seen everything up to now."""
        asked_at = datetime.now(UTC)

        def is_current() -> bool | None:
            behind = freshness(ledger, datetime.now(UTC))
            since = (datetime.now(UTC) - asked_at).total_seconds()
            return True if behind is not None and behind < since else None

        if not await self.wait_for(ledger, is_current):
            raise OperationFailed(
                "The ledger does not follow the topics", "is its process running?"
            )

    async def wait_for(
        self, ledger: Ledger, find: Callable[[], T | None], patience: float = PATIENCE
    ) -> T | None:
        del ledger  # the same file
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        # SQLite has no event
        while (found := find()) is None and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(POLL)
        return found
