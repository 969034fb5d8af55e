"""Follows the topics as any outsider could, through whatever happens to the broker.

It imports nothing of the product: a mistake there cannot hide itself here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

TOPICS: Final = ("sms.outcomes", "sms.attempts", "sms.usage-report")


class AttemptReport(NamedTuple):
    """`at`: when we heard of it, on a monotonic clock: no fault can step it."""

    at: float
    state: str
    code: str | None
    evidence: str | None


class Watch:
    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._positions: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.attempts: defaultdict[tuple[str, int], list[AttemptReport]] = defaultdict(list)
        self.last: dict[str, AttemptReport] = {}
        """Of each message's attempts."""
        self.cells: dict[tuple[Any, ...], tuple[str, int]] = {}
        self.moved = time.monotonic()
        """When the last outcome came."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name="watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def states(self, ids: set[str]) -> Counter[str]:
        return Counter(
            self.outcomes[name]["state"] if name in self.outcomes else "unheard of" for name in ids
        )

    @property
    def usage(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for state, messages in self.cells.values():
            counted[state] += messages
        return +counted

    @property
    def usage_is_recount(self) -> bool:
        """Usage comes behind outcomes, and may be late where both were hurt."""
        return self.usage == Counter(outcome["state"] for outcome in self.outcomes.values())

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
        places = [
            TopicPartition(name, n) for name in TOPICS for n in await _partitions(consumer, name)
        ]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, self._positions.get(place, 0))
        while True:
            for place, records in (await consumer.getmany(timeout_ms=300)).items():
                for record in records:
                    self.take(place.topic, json.loads(record.value))
                self._positions[place] = records[-1].offset + 1

    def take(self, topic: str, record: dict[str, Any]) -> None:
        match topic:
            case "sms.outcomes":
                before = self.outcomes.get(record["message_id"])
                if before is None or record["version"] > before["version"]:
                    self.outcomes[record["message_id"]] = record
                    self.moved = time.monotonic()
            case "sms.attempts":
                attempt = AttemptReport(
                    time.monotonic(), record["state"], record.get("code"), record.get("evidence")
                )
                self.attempts[record["message_id"], record["attempt"]].append(attempt)
                self.last[record["message_id"]] = attempt
            case _:
                names = ("tenant", "branch", "sender", "period", "kind", "state", "error_code")
                self.cells[tuple(record.get(name) for name in names)] = (
                    record["state"],
                    record["messages"],
                )


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    while not (known := consumer.partitions_for_topic(topic)):
        await consumer._client.add_topic(topic)
        await asyncio.sleep(0.05)
    return sorted(known)
