"""How long it took, as seen from outside: from the first output that was written to the last
that was committed.

The same for all contenders: who commits seldom waits for the last commit, who writes without one
does not.  While one runs, only the ends of its output's partitions are asked (40 times a second:
reading the records would cost a core); the records are read, counted and checked afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

EVERY = 0.025
QUIET = 1.0
"""Seconds without a new output after which it is looked at whether all are there."""
PATIENCE = 60.0


class Stuck(Exception):
    """No output for `PATIENCE` seconds though some are missing."""


class Seen(NamedTuple):
    """`outputs` were seen to appear within `seconds`; what was already written at the first look
    does not count. `spent` is what the meter counted meanwhile; `values` are all outputs, each
    partition's in order."""

    seconds: float
    outputs: int
    spent: dict[str, float]
    values: list[bytes]

    @property
    def rate(self) -> float:
        return self.outputs / self.seconds


Meter = Callable[[], dict[str, float]]
"""CPU seconds by process."""
Progress = Callable[[int], None]
"""Told how many there are."""


def unmetered() -> dict[str, float]:
    return {}


def unseen(done: int) -> None: ...


class _Window:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.ends: dict[TopicPartition, int] = {}
        self.base: dict[TopicPartition, int] = {}
        self.began = self.moved = 0.0
        self.before: dict[str, float] = {}
        self.after: dict[str, float] = {}

    def begin(self, written: dict[TopicPartition, int]) -> None:
        self.began = self.moved = time.perf_counter()
        self.base, self.before = written, self._meter()

    def look(self, committed: dict[TopicPartition, int]) -> None:
        if committed != self.ends:
            self.ends, self.moved, self.after = committed, time.perf_counter(), self._meter()

    @property
    def quiet(self) -> float:
        return time.perf_counter() - self.moved


async def watch(
    bootstrap: str,
    topic: str,
    partitions: int,
    wanted: int,
    meter: Meter = unmetered,
    progress: Progress = unseen,
) -> Seen:
    """Raises Stuck."""
    places = [TopicPartition(topic, n) for n in range(partitions)]
    window = _Window(meter)
    async with _reader(bootstrap, places, "read_uncommitted") as anything:
        window.begin(await _first(anything, places))
    async with _reader(bootstrap, places, "read_committed") as consumer:
        records: list[ConsumerRecord] = []
        while len(records) < wanted:
            await _until_quiet(consumer, places, window, wanted, progress)
            records = await _read(consumer, window.ends)
    fresh = sum(
        1 for one in records if one.offset >= window.base[TopicPartition(one.topic, one.partition)]
    )
    spent = {name: window.after[name] - window.before.get(name, 0.0) for name in window.after}
    return Seen(window.moved - window.began, fresh, spent, [one.value for one in records])


@contextlib.asynccontextmanager
async def _reader(
    bootstrap: str, places: list[TopicPartition], isolation: str, begins: str = "latest"
) -> AsyncIterator[AIOKafkaConsumer]:
    """`begins`: not by a seek right after this, which would race with the first look for where
    to begin."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        fetch_max_wait_ms=50,
        auto_offset_reset=begins,
    )
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.end_offsets(places)  # the first answer takes longer
        yield consumer
    finally:
        await consumer.stop()


async def _first(
    consumer: AIOKafkaConsumer, places: list[TopicPartition]
) -> dict[TopicPartition, int]:
    began = time.perf_counter()
    while not sum((ends := await consumer.end_offsets(places)).values()):
        if time.perf_counter() - began > PATIENCE:
            raise Stuck(f"no output for {PATIENCE:.0f} s")
        await asyncio.sleep(EVERY)
    written: dict[TopicPartition, int] = ends
    return written


async def _until_quiet(
    consumer: AIOKafkaConsumer,
    places: list[TopicPartition],
    window: _Window,
    wanted: int,
    progress: Progress,
) -> None:
    while True:
        window.look(await consumer.end_offsets(places))
        there = sum(window.ends.values())
        progress(min(there, wanted))
        if there >= wanted and window.quiet > QUIET:
            return
        if window.quiet > PATIENCE:
            raise Stuck(f"{there} of {wanted} outputs, and no more for {PATIENCE:.0f} s")
        await asyncio.sleep(EVERY)


async def everything(bootstrap: str, topic: str, partitions: int) -> list[ConsumerRecord]:
    """What is committed by now, each partition's in order."""
    places = [TopicPartition(topic, n) for n in range(partitions)]
    async with _reader(bootstrap, places, "read_committed", begins="earliest") as consumer:
        return await _to(consumer, await consumer.end_offsets(places))


async def _read(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]
) -> list[ConsumerRecord]:
    await consumer.seek_to_beginning(*ends)
    return await _to(consumer, ends)


async def _to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    while any([await consumer.position(place) < end for place, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=200)).values():
            found += records
    return found


async def append_times(
    bootstrap: str, topic: str, count: int, name_of: Callable[[Any], str | None]
) -> dict[str, float]:
    """When the broker took each of `count` records, by the name that is found in its value; those
    without one are passed over.  Seconds since 1970."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: dict[str, float] = {}
    try:
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if name := name_of(json.loads(record.value)):
                        found[name] = record.timestamp / 1000
        return found
    finally:
        await consumer.stop()
