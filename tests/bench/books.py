"""When the books are quiet, and what had been spent by then.

The broker's own CPU is measured, so it is asked little.  The ledger's file says how many texts were delivered; of Kafka
only the ends of two topics are asked, 20 times a second: outcomes, and the rows of usage, which is last in the chain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import OUTCOMES, USAGE_REPORT, rows_topic
from services.ledger import Ledger
from tests.bench.job import PARTITIONS
from tests.bench.process import cpu_meter
from tests.bench.stack import Stack
from tests.bench.watch import PATIENCE, Meter, Progress, Stuck, unseen

EVERY: Final = 0.05
QUIET: Final = 1.5
"""Seconds without a move after which the books are quiet; usage and the ledger gather for half a second."""
TOLD: Final = [TopicPartition(OUTCOMES.name, n) for n in range(PARTITIONS)]
COUNTED: Final = [TopicPartition(rows_topic("usage").name, n) for n in range(PARTITIONS)]
_DELIVERED: Final = "SELECT count(*) AS n FROM outcomes WHERE state = 'delivered'"


class Books:
    """`told_at`: when the last outcome became visible.  `moved_at`, `spent`: when anything last moved in the books,
    and what the meter said then; the wait that finds out that they are quiet does not count."""

    def __init__(self, consumer: AIOKafkaConsumer, ledger: Ledger, meter: Meter) -> None:
        self._consumer, self._ledger, self.meter = consumer, ledger, meter
        self.told_at = self.moved_at = time.perf_counter()
        self.spent = meter()
        self._told: dict[TopicPartition, int] = {}
        self._stand: Any = None

    async def look(self) -> None:
        ends = await self._consumer.end_offsets([*TOLD, *COUNTED])
        told = {place: ends[place] for place in TOLD}
        topics = (OUTCOMES.name, USAGE_REPORT.name)
        folded = {place: at for place, at in self._ledger.positions().items() if place.topic in topics}
        now = time.perf_counter()
        if told != self._told:
            self._told, self.told_at = told, now
        if (ends, folded) != self._stand:
            self._stand, self.moved_at, self.spent = (ends, folded), now, self.meter()

    def delivered(self) -> int:
        """Texts, by the ledger."""
        return int(self._ledger.rows(_DELIVERED)[0]["n"])

    async def until_quiet(self, wanted: int, progress: Progress = unseen) -> None:
        """So many texts delivered since the beginning, counted, and in the ledger.  Raises Stuck."""
        while True:
            await self.look()
            there, quiet = self.delivered(), time.perf_counter() - self.moved_at
            progress(min(there, wanted))
            if there >= wanted and quiet > QUIET:
                return
            if quiet > PATIENCE:
                raise Stuck(f"{there} of {wanted} texts were delivered, and no more for {PATIENCE:.0f} s")
            await asyncio.sleep(EVERY)


@asynccontextmanager
async def books(up: Stack) -> AsyncIterator[Books]:
    ledger = Ledger.open(up.ledger, existing=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=up.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign([*TOLD, *COUNTED])
        consumer.pause(*TOLD, *COUNTED)  # else it fetches, though nobody reads
        yield Books(consumer, ledger, cpu_meter(up.pids))
    finally:
        await consumer.stop()
        ledger.close()
