"""A worker as operators see it: what it has committed, and whether it is alive, ready and making
progress."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from services.observability.health import serve_health
from services.observability.message_metrics import MessageMetrics
from services.observability.metrics import WORKERS
from services.observability.registry import MetricRegistry
from services.ports import announce_port
from services.settings import ServiceSettings
from streams.partition.transaction import Transaction
from streams.runtime.faust_app import FaustApp
from streams.runtime.runner import Hooks

MAX_IDLE: Final = 30.0
"""Seconds with something to do and no transaction, until a worker is not ready. The watchdog ends
it later."""


class WorkerMetrics:
    """Does nothing if no metrics port is set."""

    def __init__(self, processor: str, settings: ServiceSettings) -> None:
        self._processor = processor
        self._settings = settings
        self._meters = MetricRegistry(WORKERS)
        self._messages = MessageMetrics(processor, self._meters)

    def add_to(self, hooks: Hooks) -> Hooks:
        if self._settings.metrics_port is None:
            return hooks
        meters = self._meters
        room = self._processor  # the label's name on /metrics

        def on_commit(tx: Transaction, seconds: float) -> None:
            meters.count("sayso_facts_total", tx.record_count, room=room)
            meters.observe("sayso_batch_facts", tx.record_count, room=room)
            meters.observe("sayso_transaction_seconds", seconds, room=room)
            self._messages.count(tx.publications, datetime.fromtimestamp(hooks.clock(), UTC))

        def on_restore(entries: int, seconds: float) -> None:
            meters.set("sayso_restored_rows", entries, room=room)
            meters.set("sayso_restore_seconds", seconds, room=room)

        def on_ready(partitions: list[int]) -> None:
            meters.set("sayso_partitions", len(partitions), room=room)
            meters.clear("sayso_standstills")  # what stands still is seen again
            hooks.on_ready(partitions)

        def on_standstill(topic: str, partition: int) -> None:
            meters.set("sayso_standstills", 1, topic=topic, partition=str(partition))
            hooks.on_standstill(topic, partition)

        def on_reopen(partition: int) -> None:
            meters.count("sayso_reopenings_total", room=room)
            hooks.on_reopen(partition)

        return replace(
            hooks,
            on_reopen=on_reopen,
            on_commit=on_commit,
            on_restore=on_restore,
            on_ready=on_ready,
            on_standstill=on_standstill,
        )

    @asynccontextmanager
    async def serve(self, app: FaustApp) -> AsyncIterator[None]:
        """The routes of `services.observability.health` while the block lasts. Raises
        CannotListen."""
        settings = self._settings
        if settings.metrics_port is None:
            yield
            return
        async with serve_health(
            settings.metrics_host,
            settings.metrics_port,
            self._meters,
            lambda: check_health(app),
            started=lambda: app.live,
        ) as port:
            if settings.metrics_port_file is not None:
                announce_port(settings.metrics_port_file, port)
            yield


def check_health(app: FaustApp) -> dict[str, bool]:
    """`progressing`: a transaction was committed lately, or there is nothing to do."""
    is_idle = not any(
        runner.task.priority_buffer or runner.task.buffer or runner.task.barrier
        for runner in app.runners.values()
    )
    return {
        "assigned": app.generation is not None,
        "restored": app.live,
        "progressing": is_idle or time.monotonic() - app.progress_at < MAX_IDLE,
    }
