"""Read the public topics: committed records only, every partition, no consumer group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Container, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.topics import BY_NAME
from services.kafka.admin import AdminClient
from services.kafka.header_patch import allow_any_header_name
from services.kafka.security import security_options, unreachable_message
from services.ledger.projection import Partition, Record
from streams.partition.changelog import LastRecord
from streams.runtime.topic_identity import fetch_topic_ids, find_replaced

MAX_BATCH: Final = 5000
"""Records in one batch, and so in one SQLite transaction."""
SHORT_POLL: Final = 0.1
"""Seconds that the broker holds a fetch which finds nothing. The first record ends it."""
LONG_POLL: Final = 1.0
"""The same, for a reader that follows the topics: so often it learns that nothing has come."""


class TopicReaderError(Exception):
    """One sentence: why the topics cannot be read, and what to do."""


class TopicReader:
    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        cluster: str,
        partitions: list[Partition],
        bootstrap: str,
        topics: frozenset[str] = frozenset(),
    ) -> None:
        """`topics`: all that Kafka has, ours and others."""
        self.topics = topics
        self._consumer = consumer
        self._bootstrap = bootstrap
        self.cluster = cluster
        """The Kafka cluster's own id."""
        self.partitions = partitions
        self._assigned = [TopicPartition(*partition) for partition in partitions]
        self._owned = self._assigned
        self._paused = False
        self._at_end_ms: dict[TopicPartition, int] = {}

    async def starts(self) -> dict[Partition, int]:
        found = await self._consumer.beginning_offsets(self._assigned)
        return {Partition(*partition): offset for partition, offset in found.items()}

    async def ends(self) -> dict[Partition, int]:
        """The last stable offsets: they exclude records of open transactions."""
        found = await self._consumer.end_offsets(self._assigned)
        return {Partition(*partition): offset for partition, offset in found.items()}

    async def offsets_at(self, at_ms: int) -> dict[Partition, int]:
        """Of each partition, the first record of that time or later; else its end."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._assigned, at_ms))
        ends = await self.ends()
        return {
            Partition(*one): entry.offset if entry else ends[Partition(*one)]
            for one, entry in found.items()
        }

    async def topic_ids(self) -> dict[str, str]:
        """The broker's own, of those topics that have one."""
        return await fetch_topic_ids(self._consumer._client, {one.topic for one in self.partitions})

    async def find_replaced(
        self,
        known: Mapping[Partition, LastRecord],
        starts: Mapping[Partition, int],
        ends: Mapping[Partition, int],
    ) -> set[Partition]:
        """Partitions whose log holds another record where the last one was read.

        A consumer of its own looks: one that is assigned anew while it fetches may never stop."""
        here = set(self.partitions)
        wanted = {TopicPartition(*one): last for one, last in known.items() if one in here}
        if not wanted:
            return set()
        consumer = _build_consumer(self._bootstrap, SHORT_POLL, partition_bytes=1)
        try:
            await consumer.start()
            found = await find_replaced(
                consumer,
                wanted,
                {TopicPartition(*one): start for one, start in starts.items()},
                {TopicPartition(*one): end for one, end in ends.items()},
            )
        finally:
            await consumer.stop()
        return {Partition(*one) for one in found}

    def own(self, partitions: Collection[Partition]) -> None:
        """Read these, and of the others nothing. Seek afterwards."""
        self._owned = [one for one in self._assigned if Partition(*one) in partitions]
        self._consumer.pause(*self._assigned)
        self._paused = True

    def seek(self, positions: Mapping[Partition, int]) -> None:
        self._at_end_ms = {}
        for partition in self.partitions:
            self._consumer.seek(TopicPartition(*partition), positions[partition])

    async def batch(
        self, wait: float, *, pause: bool = False
    ) -> tuple[list[Record], dict[Partition, int]]:
        """What arrived within `wait` seconds, and the next offset of every partition.

        The consumer is asked for its positions: counting records would be wrong, because
        transaction markers take offsets and compaction leaves gaps. `pause`: after a batch that is
        not full, fetch nothing until the next call, which then gets everything that has arrived in
        between.
        """
        if self._paused:
            self._consumer.resume(*self._owned)
        found = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=MAX_BATCH)
        records = [
            Record(partition, record.offset, record.timestamp, record.key, record.value)
            for partition, several in (
                (Partition(*assigned), found[assigned])
                for assigned in self._owned
                if assigned in found
            )
            for record in several
        ]
        self._paused = pause and 0 < len(records) < MAX_BATCH
        if self._paused:
            # Nothing was awaited since the records were taken, so the consumer has not sent another
            # fetch yet.
            self._consumer.pause(*self._assigned)
        reached = {Partition(*one): await self._consumer.position(one) for one in self._owned}
        self._note_ends(reached)
        return records, reached

    def _note_ends(self, reached: Mapping[Partition, int]) -> None:
        """Every fetch answers with the partition's last stable offset, also when it found nothing.
        Whoever has read to it was at the end when the answer came."""
        for one in self._owned:
            end = self._consumer.last_stable_offset(one)
            if end is not None and reached[Partition(*one)] >= end:
                self._at_end_ms[one] = self._consumer.last_poll_timestamp(one)

    def current_ms(self) -> int | None:
        """By when everything that Kafka had was in the batches so far: the earliest of the times at
        which each partition was last read to its end. None: one never was."""
        if len(self._at_end_ms) < len(self._owned):
            return None
        return min(self._at_end_ms.values(), default=None)


@asynccontextmanager
async def open_reader(
    bootstrap: str, names: Container[str] = BY_NAME, *, long_poll: float = SHORT_POLL
) -> AsyncIterator[TopicReader]:
    """Read all our topics, or those in `names`. Raises TopicReaderError when Kafka does not answer
    or the topics do not exist.

    `long_poll` is for readers that only follow: a question such as `ends` waits until a fetch
    returns.
    """
    allow_any_header_name()
    cluster, partitions, topics = await _discover(bootstrap, names)
    consumer = _build_consumer(bootstrap, long_poll, partition_bytes=4 << 20)
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*partition) for partition in partitions])
        yield TopicReader(consumer, cluster, partitions, bootstrap, topics)
    finally:
        await consumer.stop()


def _build_consumer(bootstrap: str, long_poll: float, partition_bytes: int) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="none",
        fetch_max_wait_ms=int(long_poll * 1000),
        max_partition_fetch_bytes=partition_bytes,
        **security_options(),
    )


async def _discover(
    bootstrap: str, names: Container[str]
) -> tuple[str, list[Partition], frozenset[str]]:
    admin = AdminClient(bootstrap_servers=bootstrap, **security_options())
    try:
        await admin.start()
        cluster = (await admin.describe_cluster())["cluster_id"]
        topics = await admin.describe_topics()
    except (KafkaConnectionError, OSError):
        raise TopicReaderError(unreachable_message(bootstrap)) from None
    except KafkaError as error:
        raise TopicReaderError(f"Kafka at {bootstrap} did not list its topics: {error}") from None
    finally:
        await admin.close()
    ours = [topic for topic in topics if topic["topic"] in names and not topic["error_code"]]
    if not ours:
        raise TopicReaderError(
            f"Kafka at {bootstrap} does not have the topics: run `sayso topics apply` first"
        )
    partitions = [
        Partition(topic["topic"], one["partition"]) for topic in ours for one in topic["partitions"]
    ]
    return cluster, partitions, frozenset(topic["topic"] for topic in topics)
