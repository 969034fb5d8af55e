"""A worker as its operator sees it: counts of what it has made durable, and whether it is alive, ready, and moving."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from services.observability.health import serving
from services.observability.meters import Meters
from services.observability.metrics import WORKERS
from services.observability.told import Told
from services.ports import announce_port
from services.settings import ServiceSettings
from streams.partition.transaction import Transaction
from streams.runtime.faust_app import FaustApp, Hooks

SLOW: Final = 30.0
"""Seconds with something to do and no transaction until a worker is not ready; the watchdog ends it later."""


class WorkerMetrics:
    """Nothing is counted where nobody asked for metrics."""

    def __init__(self, room: str, settings: ServiceSettings) -> None:
        self._room, self._settings = room, settings
        self._meters = Meters(WORKERS)
        self._told = Told(room, self._meters)

    def hooks(self, hooks: Hooks) -> Hooks:
        if self._settings.metrics_port is None:
            return hooks
        meters, room, ready, clock = self._meters, self._room, hooks.on_ready, hooks.clock

        def committed(tx: Transaction, seconds: float) -> None:
            meters.count("sayso_facts_total", tx.record_count, room=room)
            meters.observe("sayso_batch_facts", tx.record_count, room=room)
            meters.observe("sayso_transaction_seconds", seconds, room=room)
            self._told.tell(tx.publications, datetime.fromtimestamp(clock(), UTC))

        def restored(rows: int, seconds: float) -> None:
            meters.set("sayso_restored_rows", rows, room=room)
            meters.set("sayso_restore_seconds", seconds, room=room)

        def owned(partitions: list[int]) -> None:
            meters.set("sayso_partitions", len(partitions), room=room)
            ready(partitions)

        return replace(hooks, on_commit=committed, on_restore=restored, on_ready=owned)

    @asynccontextmanager
    async def answering(self, host: FaustApp) -> AsyncIterator[None]:
        """`/live`, `/ready` and `/metrics` while the block lasts.  Raises CannotListen."""
        settings = self._settings
        if settings.metrics_port is None:
            yield
            return
        async with serving(
            settings.metrics_host, settings.metrics_port, self._meters, lambda: standing(host)
        ) as port:
            if settings.metrics_port_file is not None:
                announce_port(settings.metrics_port_file, port)
            yield


def standing(host: FaustApp) -> dict[str, bool]:
    """`progressing`: something was committed of late, or there is nothing to do."""
    idle = not any(
        runner.task.priority_buffer or runner.task.buffer or runner.task.barrier
        for runner in host.runners.values()
    )
    return {
        "assigned": host.generation is not None,
        "restored": host.live,
        "progressing": idle or time.monotonic() - host.progress_at < SLOW,
    }
