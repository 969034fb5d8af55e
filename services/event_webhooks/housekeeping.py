"""Forget what is old, and measure what waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from services.event_webhooks.attempt import Problem
from services.event_webhooks.deliveries import Deliveries
from services.event_webhooks.endpoints import Endpoints
from services.event_webhooks.store import Store
from services.observability.registry import MetricRegistry

MEASURE_EVERY: Final = 15.0
"""Seconds."""
CLEAN_EVERY: Final = 40
"""Measurements: ten minutes."""


class Housekeeping:
    def __init__(self, store: Store, metrics: MetricRegistry) -> None:
        self._store = store
        self._endpoints = Endpoints(store)
        self._deliveries = Deliveries(store)
        self._metrics = metrics

    def clean(self, now: datetime) -> bool:
        """A chunk at a time.  Whether there is more."""
        with self._store.transaction():
            self._endpoints.forget_old_secrets(now)
            given_up = self._deliveries.give_up_old(now, Problem.PAUSED_TOO_LONG)
            return bool(given_up + self._deliveries.delete_old(now))

    def measure(self, now: datetime) -> None:
        for state, count in self._endpoints.count_by_state().items():
            self._metrics.set("sayso_event_webhook_endpoints", count, state=state)
        waiting, since = self._deliveries.measure_waiting()
        self._metrics.set("sayso_event_webhook_waiting", waiting)
        age = (now - since).total_seconds() if since else 0.0
        self._metrics.set("sayso_event_webhook_oldest_seconds", max(age, 0.0))

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        n = 0
        while not stop.is_set():
            self.measure(datetime.now(UTC))
            if n % CLEAN_EVERY == 0:
                await self._clean_all(stop)
            n += 1
            try:
                async with asyncio.timeout(MEASURE_EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _clean_all(self, stop: asyncio.Event) -> None:
        is_more = True
        while is_more and not stop.is_set():
            is_more = self.clean(datetime.now(UTC))
            await asyncio.sleep(0)  # deliveries have their turn in between
