"""A committed reader that runs through every fault: what it saw must be what the log holds."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from tests.read_committed import records


class PrefixReader:
    """It imports nothing of the product."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._next: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.seen: dict[tuple[int, int], str] = {}
        """Digest by partition and offset."""
        self.wrong: list[str] = []

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="prefix reader")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def compare(self) -> list[str]:
        """What is wrong, in words: a record that vanished or changed, or one that was passed
        over."""
        holds = {
            (record.partition, record.offset): _digest(record.value)
            for record in await records(self._bootstrap, self._topic)
        }
        changed = [place for place, digest in self.seen.items() if holds.get(place) != digest]
        ends = {place.partition: offset for place, offset in self._next.items()}
        unseen = [
            place for place in holds if place not in self.seen and place[1] < ends.get(place[0], 0)
        ]
        return [
            *self.wrong,
            *([f"{len(changed)} records vanished or changed: {changed[:3]}"] if changed else []),
            *([f"{len(unseen)} records were passed over: {unseen[:3]}"] if unseen else []),
        ]

    async def _follow(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                isolation_level="read_committed",
                fetch_max_wait_ms=200,
                request_timeout_ms=10_000,
            )
            try:
                await consumer.start()
                await self._read(consumer)
            except (KafkaError, OSError):
                await asyncio.sleep(0.5)
            finally:
                with contextlib.suppress(KafkaError, OSError):
                    await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        numbers = await consumer._client._wait_on_metadata(self._topic)
        places = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, self._next.get(place, 0))
        while True:
            for place, batch in (await consumer.getmany(timeout_ms=300)).items():
                for record in batch:
                    self._take(place, record.offset, _digest(record.value))

    def _take(self, place: TopicPartition, offset: int, digest: str) -> None:
        if offset < self._next.get(place, 0):
            self.wrong.append(f"{place.topic}-{place.partition} went back to {offset}")
        self.seen[place.partition, offset] = digest
        self._next[place] = offset + 1


def _digest(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()
