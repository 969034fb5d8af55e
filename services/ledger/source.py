"""The public topics as a reader sees them: committed records only, every partition, no consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.topics import BY_NAME
from services.kafka.header_patch import allow_any_header_name
from services.kafka.security import security_options, unreachable_message
from services.ledger.fold import Entry, Place

FULL = 5000
"""Most records a batch: one transaction's worth."""
PROMPT, LONG_POLL = 0.1, 5.0
"""Seconds that the broker keeps a fetch that finds nothing.  The first record ends either."""


class SourceError(Exception):
    """One sentence: the topics cannot be read, and what to do."""


class Source:
    """`cluster` is the Kafka cluster's own id.  Ends and starts are offsets by place."""

    def __init__(self, consumer: AIOKafkaConsumer, cluster: str, places: list[Place]) -> None:
        self._consumer = consumer
        self.cluster = cluster
        self.places = places
        self._partitions = [TopicPartition(*place) for place in places]
        self._held = False

    async def starts(self) -> dict[Place, int]:
        found = await self._consumer.beginning_offsets(self._partitions)
        return {Place(*partition): offset for partition, offset in found.items()}

    async def ends(self) -> dict[Place, int]:
        """The last stable offsets: nothing that is still in an open transaction."""
        found = await self._consumer.end_offsets(self._partitions)
        return {Place(*partition): offset for partition, offset in found.items()}

    def seek(self, positions: Mapping[Place, int]) -> None:
        for place in self.places:
            self._consumer.seek(TopicPartition(*place), positions[place])

    async def batch(
        self, wait: float, *, hold: bool = False
    ) -> tuple[list[Entry], dict[Place, int]]:
        """What arrived within `wait` seconds, and how far every partition has been read: markers of transactions take
        offsets and compaction leaves gaps, so positions are asked for, not counted.  `hold`: behind a batch that is not
        full nothing is fetched until the next call, which then gets at once what has come together."""
        if self._held:
            self._consumer.resume(*self._partitions)
        found = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=FULL)
        entries = [
            Entry(place, record.offset, record.timestamp, record.key, record.value)
            for place, records in (
                (Place(*partition), records) for partition, records in found.items()
            )
            for record in records
        ]
        self._held = hold and 0 < len(entries) < FULL
        if (
            self._held
        ):  # no await since the records were taken: the consumer has not asked for more yet
            self._consumer.pause(*self._partitions)
        return entries, {Place(*tp): await self._consumer.position(tp) for tp in self._partitions}


@asynccontextmanager
async def reading(
    bootstrap: str, names: Container[str] = BY_NAME, *, long_poll: float = PROMPT
) -> AsyncIterator[Source]:
    """Of all our topics, or of those named.  Raises SourceError when nobody answers, or the topics are not there.
    `long_poll`: for who only follows.  A question (`ends`) waits behind a fetch."""
    allow_any_header_name()
    cluster, places = await _discover(bootstrap, names)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="none",
        fetch_max_wait_ms=int(long_poll * 1000),
        max_partition_fetch_bytes=4 << 20,
        **security_options(),
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*place) for place in places])
        yield Source(consumer, cluster, places)
    finally:
        await consumer.stop()


async def _discover(bootstrap: str, names: Container[str]) -> tuple[str, list[Place]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **security_options())
    try:
        await admin.start()
        cluster = (await admin.describe_cluster())["cluster_id"]
        topics = await admin.describe_topics()
    except (KafkaConnectionError, OSError):
        raise SourceError(unreachable_message(bootstrap)) from None
    except KafkaError as error:
        raise SourceError(
            f"Kafka at {bootstrap} refused to say what topics it has: {error}"
        ) from None
    finally:
        await admin.close()
    ours = [topic for topic in topics if topic["topic"] in names and not topic["error_code"]]
    if not ours:
        raise SourceError(
            f"Kafka at {bootstrap} does not have what is asked for: run `sayso topics apply` first"
        )
    return cluster, [
        Place(topic["topic"], part["partition"]) for topic in ours for part in topic["partitions"]
    ]
