"""Asks the broker, again and again, with clients of its own: a dead or stuck worker shows.

No worker is asked for anything: offsets are the ones that groups have committed, ends and times are the broker's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from services.kafka.security import security_options, unreachable_message
from services.observability.lag.report import Report, report
from services.observability.lag.sample import Group, Place, Sample, Stand
from streams.processor import SHUTDOWN_METADATA

WINDOW: Final = 10
"""Samples kept, as Burrow does."""
PEEK: Final = 2.0
"""Seconds for reading the first record not done with."""
NOBODY: Final = Group("Dead", 0, frozenset())


class LagError(Exception):
    """One sentence: the broker could not be asked."""


class Watch:
    """`groups`: what each reads.  `async with Watch(...) as watch: await watch.look()`."""

    def __init__(self, bootstrap: str, groups: Mapping[str, Iterable[str]]) -> None:
        self._bootstrap = bootstrap
        self._groups = {group: tuple(topics) for group, topics in groups.items()}
        self._window: deque[Sample] = deque(maxlen=WINDOW)

    async def __aenter__(self) -> Watch:
        self._admin = AIOKafkaAdminClient(
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
        await self._reader.stop()
        await self._admin.close()

    async def look(self) -> Report:
        """One more sample, and what the window says now.  Raises LagError."""
        try:
            self._window.append(await self._sample())
        except (KafkaError, OSError) as error:
            raise LagError(
                f"Kafka at {self._bootstrap} could not be asked: {error or type(error).__name__}"
            ) from None
        return report(self._window)

    async def _sample(self) -> Sample:
        groups = {group: await self._described(group) for group in self._groups}
        committed = {group: await self._committed(group) for group in self._groups}
        places = await self._places()
        partitions = sorted({TopicPartition(place.topic, place.partition) for place in places})
        starts = await self._reader.beginning_offsets(partitions) if partitions else {}
        ends = await self._reader.end_offsets(partitions) if partitions else {}
        stands: dict[Place, Stand] = {}
        for place in places:
            at = TopicPartition(place.topic, place.partition)
            known = committed[place.group].get(at)
            done = known.offset if known is not None and known.offset >= 0 else None
            stands[place] = Stand(
                done,
                starts[at],
                ends[at],
                gone=known is not None and known.metadata == SHUTDOWN_METADATA,
            )
        return Sample(time.time(), await self._with_times(stands), groups)

    async def _committed(self, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Nothing where nobody has ever committed: the broker makes the topic for it when first asked."""
        try:
            found: Mapping[
                TopicPartition, OffsetAndMetadata
            ] = await self._admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            return {}
        return found

    async def _described(self, group: str) -> Group:
        try:
            answers = await self._admin.describe_consumer_groups([group])
        except KafkaError:
            return NOBODY
        code, _, state, _, _, members = answers[0].groups[0][:6]
        if code:
            return NOBODY
        owned = {
            (topic, partition)
            for member in members
            if member[4]
            for topic, partitions in ConsumerProtocolMemberAssignment.decode(member[4]).assignment
            for partition in partitions
        }
        return Group(state, len(members), frozenset(owned))

    async def _places(self) -> list[Place]:
        """Partitions of what the groups read, as far as the topics are there."""
        names = sorted({topic for topics in self._groups.values() for topic in topics})
        described = await self._admin.describe_topics(names)
        counts = {
            one["topic"]: len(one["partitions"]) for one in described if not one["error_code"]
        }
        return [
            Place(group, topic, partition)
            for group, topics in self._groups.items()
            for topic in topics
            for partition in range(counts.get(topic, 0))
        ]

    async def _with_times(self, stands: dict[Place, Stand]) -> dict[Place, Stand]:
        """Of each partition that is behind, when its first unread record was written."""
        behind = {place: stand for place, stand in stands.items() if stand.lag}
        times: dict[tuple[TopicPartition, int], int | None] = {}
        for place, stand in behind.items():
            times[TopicPartition(place.topic, place.partition), _from(stand)] = None
        await self._peek(times)
        return stands | {
            place: stand._replace(
                oldest_ms=times[TopicPartition(place.topic, place.partition), _from(stand)]
            )
            for place, stand in behind.items()
        }

    async def _peek(self, times: dict[tuple[TopicPartition, int], int | None]) -> None:
        """Two groups may stand at two places of one partition: the reader is sent to one place at a time."""
        left = set(times)
        while left:
            now = dict(left)
            left = {(partition, offset) for partition, offset in left if now[partition] != offset}
            self._reader.assign(list(now))
            for partition, offset in now.items():
                self._reader.seek(partition, offset)
            found = await asyncio.gather(*(self._first(partition) for partition in now))
            times.update(
                {(partition, now[partition]): at for partition, at in zip(now, found, strict=True)}
            )

    async def _first(self, partition: TopicPartition) -> int | None:
        """None: nothing but markers is there to read."""
        try:
            async with asyncio.timeout(PEEK):
                record = await self._reader.getone(partition)
        except (TimeoutError, KafkaError):
            return None
        return int(record.timestamp)


def _from(stand: Stand) -> int:
    return max(stand.start, stand.committed if stand.committed is not None else stand.start)
