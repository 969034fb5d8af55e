"""End a worker that has something to do and does not move.

Theory of operation

Faust's consumers are known to hang without a word, and lag that a consumer itself reports freezes
with it.  So the watchdog has a Kafka client of its own and compares the broker's end offsets with
where the consumer stands.  For each partition with something to read it keeps a mark that changes
when the partition moves.  A mark that does not change for `patience` seconds ends the process.  So
do partitions that are never opened, and a fetch that the agent does not take.

The event loop itself is watched by a thread: the loop sets a beat every few seconds, and the thread
ends the process when the beat stops.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.partition.changelog import DataLoss
from streams.runtime.faust_app import FaustApp
from streams.runtime.topic_identity import fetch_topic_ids

log = logging.getLogger(__name__)


class Stalled(Exception):
    """There was something to do, and nothing moved."""


class Watchdog:
    def __init__(
        self,
        faust_app: FaustApp,
        *,
        patience: float = 60.0,
        every: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience`: seconds, longer than any transaction, rebalance or step of a restore may
        take. `every`: seconds between two checks."""
        self.faust_app = faust_app
        self.patience = patience
        self.every = every
        self.stopped = threading.Event()
        self._clock = clock
        self._beat = clock()
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
        """A broker that does not answer is no fault of the worker, and no reason to stop
        watching."""
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
                log.warning("the watchdog could not check: %s", error)
                await asyncio.sleep(self.every)
            finally:
                await broker.stop()

    async def _check_broker(self, broker: AIOKafkaConsumer) -> None:
        faust_app = self.faust_app
        tasks = dict(faust_app.runners) if faust_app.live else {}
        partitions = [
            TopicPartition(topic.name, partition)
            for partition in tasks
            for topic in faust_app.processor.inputs
        ]
        ends = await broker.end_offsets(
            partitions or [TopicPartition(faust_app.processor.inputs[0].name, 0)]
        )
        if not faust_app.live:
            return self._check_marks(
                {"no partitions were opened": (faust_app.progress_at, faust_app.rebalances)}
            )
        await self._check_topic_ids(broker, tasks)
        fetch = faust_app.app.consumer.offered_fetch
        consumer_positions = await self._consumer_positions(partitions)
        marks = dict(self._pending_partitions(tasks, ends, consumer_positions))
        for partition, moved_at in faust_app.reopener.under_way.items():
            marks[f"partition {partition} is opened again"] = moved_at
        if fetch is not None and not fetch.accepted.is_set():
            marks["a fetch is not taken by the agent"] = id(fetch)
        self._check_marks(marks)
        return None

    async def _check_topic_ids(self, broker: AIOKafkaConsumer, tasks: Any) -> None:
        """A topic that is created again under a running worker must not be read as if it were the
        old one.  The next start, which `restore` refuses, says what was read of it."""
        names = [topic.name for topic in self.faust_app.processor.inputs]
        ids = await fetch_topic_ids(broker._client, names)
        for runner in tasks.values():
            for topic in runner.task.known_inputs.find_recreated(ids, runner.task.positions):
                self.faust_app.fail_fast(
                    DataLoss(f"{topic} was deleted and created again while it was read")
                )
                return

    def _pending_partitions(
        self, tasks: Any, ends: Mapping[Any, int], reads: Mapping[Any, int]
    ) -> Iterator[tuple[str, Any]]:
        """(what, mark) for each partition with something to do.  Transaction markers take offsets,
        so the consumer's position counts and not the last record."""
        for partition, runner in tasks.items():
            task = runner.task
            unread = [
                p.topic
                for p in ends
                if p.partition == partition
                and reads.get(p, -1) < ends[p]
                and not task.stands_still(p.topic)
            ]
            if unread or task.priority_buffer or task.buffer or task.barrier:
                mark = self.faust_app.generation, task.serial, dict(task.expected)
                yield f"partition {partition} has something to read", mark

    async def _consumer_positions(self, partitions: list[Any]) -> Mapping[Any, int]:
        """Where the consumer stands; empty if its thread does not answer."""
        thread = self.faust_app.app.consumer._thread

        async def read_positions() -> dict[Any, int]:
            consumer = thread._consumer
            return {
                one: await consumer.position(one)
                for one in partitions
                if one in consumer.assignment()
            }

        try:
            found: dict[Any, int] = await asyncio.wait_for(
                thread.call_thread(read_positions), self.every
            )
        except TimeoutError:
            return {}
        return found

    def _check_marks(self, marks: Mapping[str, Any]) -> None:
        """`marks`: what has something to do, and a mark that changes when it moves."""
        now = self._clock()
        known = self._since
        self._since = {}
        for what, mark in marks.items():
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
