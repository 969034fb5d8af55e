"""Standing still is noticed: a worker of which some part has something to do and does not move is ended.

Faust's consumers are known to hang without a word; lag that the consumer itself reports freezes with it.  So the ends
are asked of the broker, by a client of its own, and a thread looks after the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.runtime.faust_app import FaustApp

log = logging.getLogger(__name__)


class Stalled(Exception):
    """Something was to be done, and nothing moved."""


class Watchdog:
    """`patience` in seconds: longer than any transaction, rebalance, or step of a restore may take."""

    def __init__(
        self,
        faust_app: FaustApp,
        *,
        patience: float = 60.0,
        every: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faust_app, self.patience, self.every, self._clock = faust_app, patience, every, clock
        self._beat, self.stopped = clock(), threading.Event()
        self._since: dict[str, tuple[Any, float]] = {}

    async def run(self) -> None:
        threading.Thread(target=self._watch_loop, daemon=True, name="watchdog").start()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pulse())
            both.create_task(self._watch())

    async def _pulse(self) -> None:
        while True:
            self._beat = self._clock()
            await asyncio.sleep(self.every)

    async def _watch(self) -> None:
        """A broker that does not answer is no fault of ours, and no reason to stop looking."""
        while True:
            broker = AIOKafkaConsumer(
                bootstrap_servers=self.faust_app.bootstrap,
                isolation_level="read_committed",
                **self.faust_app.auth,
            )
            try:
                await broker.start()
                while True:
                    await asyncio.sleep(self.every)
                    await self._check_broker(broker)
            except Exception as error:  # noqa: BLE001
                self._since.clear()
                log.warning("the watchdog could not look: %s", error)
                await asyncio.sleep(self.every)
            finally:
                await broker.stop()

    async def _check_broker(self, broker: AIOKafkaConsumer) -> None:
        faust_app = self.faust_app
        tasks = dict(faust_app.runners) if faust_app.live else {}
        places = [
            TopicPartition(topic.name, partition)
            for partition in tasks
            for topic in faust_app.processor.inputs
        ]
        ends = await broker.end_offsets(
            places or [TopicPartition(faust_app.processor.inputs[0].name, 0)]
        )
        if not faust_app.live:
            return self._check_marks(
                {"no partitions were opened": (faust_app.progress_at, faust_app.rebalances)}
            )
        fetch = faust_app.app.consumer.offered_fetch
        taken = (
            {}
            if fetch is None or fetch.accepted.is_set()
            else {"a fetch is not taken by the agent": id(fetch)}
        )
        self._check_marks(
            {
                **dict(
                    self._pending_partitions(tasks, ends, await self._consumer_positions(places))
                ),
                **taken,
            }
        )
        return None

    def _pending_partitions(
        self, tasks: Any, ends: Mapping[Any, int], reads: Mapping[Any, int]
    ) -> Iterator[tuple[str, Any]]:
        """Markers of transactions take offsets: what the consumer has stepped over is not lag."""
        for partition, runner in tasks.items():
            task = runner.task
            unread = [
                p.topic for p in ends if p.partition == partition and reads.get(p, -1) < ends[p]
            ]
            if unread or task.priority_buffer or task.buffer or task.barrier:
                mark = self.faust_app.generation, task.serial, dict(task.expected)
                yield f"partition {partition} has something to read", mark

    async def _consumer_positions(self, places: list[Any]) -> Mapping[Any, int]:
        """Where the consumer stands; nowhere if its thread does not answer."""
        thread = self.faust_app.app.consumer._thread

        async def ask() -> dict[Any, int]:
            consumer = thread._consumer
            return {
                place: await consumer.position(place)
                for place in places
                if place in consumer.assignment()
            }

        try:
            found: dict[Any, int] = await asyncio.wait_for(thread.call_thread(ask), self.every)
        except TimeoutError:
            return {}
        return found

    def _check_marks(self, standing: Mapping[str, Any]) -> None:
        """`standing`: what has something to do, and a mark that changes when it moves."""
        now = self._clock()
        known, self._since = self._since, {}
        for what, mark in standing.items():
            was, since = known.get(what, (mark, now))
            self._since[what] = (mark, since if was == mark else now)
            if now - self._since[what][1] > self.patience:
                self.faust_app.fail_fast(
                    Stalled(f"{what}, and for {now - since:.0f} s nothing moved")
                )

    def _watch_loop(self) -> None:
        while not self.stopped.wait(
            self.every
        ):  # also while the faust_app stops, which may hang as well
            silent = self._clock() - self._beat
            if silent > self.patience + self.every:
                self.faust_app.fail_fast(
                    Stalled(f"the event loop has not answered for {silent:.0f} s")
                )
