"""Sample the broker's offsets with clients of our own, so that a dead or stuck worker shows.

No worker is asked: the positions are those that groups have committed, the ends and times are the
broker's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Container, Iterable, Mapping
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import MAIL_REQUESTS
from services.kafka.admin import AdminClient
from services.kafka.security import security_options, unreachable_message
from services.kafka.topics import MAIL_GROUP
from services.observability.kept_positions import find_problems
from services.observability.lag_report import (
    GroupPartition,
    GroupState,
    LagReport,
    PartitionSample,
    Sample,
    build_report,
)
from streams.processor import SHUTDOWN_METADATA
from streams.topology import PROCESSORS

WINDOW: Final = 10
"""Samples that are kept, as in Burrow."""
STOP_TIMEOUT: Final = 5.0
"""Seconds for closing the reader."""
READ_TIMEOUT: Final = 2.0
"""Seconds for reading the first unread record."""
PROBLEMS_EVERY: Final = 15.0
"""Seconds between two looks at what processors keep beside their positions."""
NO_GROUP: Final = GroupState("Dead", 0, frozenset())


def list_read_topics() -> dict[str, list[str]]:
    """The topics that each consumer group reads: the processors' groups, and that of mails."""
    groups = {
        f"sayso.{processor.name}": [topic.name for topic in processor.inputs]
        for processor in PROCESSORS.values()
    }
    return {**groups, MAIL_GROUP: [MAIL_REQUESTS.name]}


class LagError(Exception):
    """One sentence: why the broker could not be asked."""


class LagMonitor:
    """`async with LagMonitor(bootstrap, groups) as monitor: await monitor.take_sample()`."""

    def __init__(
        self, bootstrap: str, groups: Mapping[str, Iterable[str]], optional: Container[str] = ()
    ) -> None:
        """`groups`: the topics that each group reads.  `optional`: groups that nobody need run
        while there is nothing to read."""
        self._optional = optional
        self._bootstrap = bootstrap
        self._groups = {group: tuple(topics) for group, topics in groups.items()}
        self._problems: Mapping[GroupPartition, str] = {}
        self._problems_read_at = float("-inf")
        self._window: deque[Sample] = deque(maxlen=WINDOW)

    async def __aenter__(self) -> Self:
        self._admin = AdminClient(
            bootstrap_servers=self._bootstrap, client_id="sayso-lag", **security_options()
        )
        self._reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="sayso-lag",
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=1,
            fetch_max_wait_ms=100,
            auto_offset_reset="none",
            **security_options(),
        )
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        try:
            await self._admin.start()
            await self._reader.start()
        except (KafkaError, OSError):
            await self.__aexit__(None, None, None)
            raise LagError(unreachable_message(self._bootstrap)) from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A consumer that was assigned anew while it fetched may never stop.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reader.stop(), STOP_TIMEOUT)
        await self._admin.close()

    async def take_sample(self) -> LagReport:
        """Take one more sample, and report on the window. Raises LagError."""
        try:
            self._window.append(await self._sample())
        except (KafkaError, OSError) as error:
            raise LagError(
                f"Kafka at {self._bootstrap} could not be asked: {error or type(error).__name__}"
            ) from None
        return build_report(self._window)

    async def _sample(self) -> Sample:
        groups = {group: await self._describe(group) for group in self._groups}
        committed = {group: await self._committed(group) for group in self._groups}
        partitions = await self._partitions()
        assigned = sorted({_topic_partition(one) for one in partitions})
        starts = await self._reader.beginning_offsets(assigned) if assigned else {}
        ends = await self._reader.end_offsets(assigned) if assigned else {}
        problems = await self._find_problems(partitions)
        samples: dict[GroupPartition, PartitionSample] = {}
        for one in partitions:
            at = _topic_partition(one)
            known = committed[one.group].get(at)
            if one.group in self._optional and not groups[one.group].members and not ends[at]:
                continue
            done = known.offset if known is not None and known.offset >= 0 else None
            gone = known is not None and known.metadata == SHUTDOWN_METADATA
            problem = problems.get(one, "")
            samples[one] = PartitionSample(done, starts[at], ends[at], gone=gone, problem=problem)
        return Sample(time.time(), await self._add_times(samples), groups)

    async def _find_problems(
        self, partitions: list[GroupPartition]
    ) -> Mapping[GroupPartition, str]:
        """It costs a few fetches, so not with every sample."""
        if time.monotonic() - self._problems_read_at >= PROBLEMS_EVERY:
            self._problems = await find_problems(self._reader, partitions)
            self._problems_read_at = time.monotonic()
        return self._problems

    async def _committed(self, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Empty before anybody has committed: the broker creates the offsets topic when first
        asked."""
        try:
            found: Mapping[
                TopicPartition, OffsetAndMetadata
            ] = await self._admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            return {}
        return found

    async def _describe(self, group: str) -> GroupState:
        try:
            answers = await self._admin.describe_consumer_groups([group])
        except KafkaError:
            return NO_GROUP
        code, _, state, _, _, members = answers[0].groups[0][:6]
        if code:
            return NO_GROUP
        owned = {
            (topic, partition)
            for member in members
            if member[4]
            for topic, partitions in ConsumerProtocolMemberAssignment.decode(member[4]).assignment
            for partition in partitions
        }
        return GroupState(state, len(members), frozenset(owned))

    async def _partitions(self) -> list[GroupPartition]:
        """The partitions that the groups read, of topics that exist."""
        names = sorted({topic for topics in self._groups.values() for topic in topics})
        described = await self._admin.describe_topics(names)
        counts = {
            one["topic"]: len(one["partitions"]) for one in described if not one["error_code"]
        }
        return [
            GroupPartition(group, topic, partition)
            for group, topics in self._groups.items()
            for topic in topics
            for partition in range(counts.get(topic, 0))
        ]

    async def _add_times(
        self, samples: dict[GroupPartition, PartitionSample]
    ) -> dict[GroupPartition, PartitionSample]:
        """For each partition that is behind, the time of its first unread record."""
        behind = {one: sample for one, sample in samples.items() if sample.lag}
        times: dict[tuple[TopicPartition, int], int | None] = {
            (_topic_partition(one), sample.position): None for one, sample in behind.items()
        }
        await self._read_times(times)
        return samples | {
            one: sample._replace(oldest_ms=times[_topic_partition(one), sample.position])
            for one, sample in behind.items()
        }

    async def _read_times(self, times: dict[tuple[TopicPartition, int], int | None]) -> None:
        """Two groups may be at different offsets of one partition, but the reader can be at one
        only: so in rounds."""
        left = set(times)
        while left:
            now = dict(left)
            left = {(partition, offset) for partition, offset in left if now[partition] != offset}
            self._reader.assign(list(now))
            for partition, offset in now.items():
                self._reader.seek(partition, offset)
            found = await asyncio.gather(*(self._first_time(partition) for partition in now))
            times.update(
                {(partition, now[partition]): at for partition, at in zip(now, found, strict=True)}
            )

    async def _first_time(self, partition: TopicPartition) -> int | None:
        """None: there are only transaction markers to read."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                record = await self._reader.getone(partition)
        except (TimeoutError, KafkaError):
            return None
        return int(record.timestamp)


def _topic_partition(one: GroupPartition) -> TopicPartition:
    return TopicPartition(one.topic, one.partition)
