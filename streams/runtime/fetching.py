"""The consumer's thread: exact seeks, what a fetch asks for, and how long it may wait at the
broker.

Theory of operation

Every seek gets a serial number.  A fetch carries the serial under which it was made, and is
worthless when a later seek has happened: the agent drops it, and the consumer seeks again to where
that seek wanted it.

After an assignment and until it is sought, the consumer may begin where a log begins.  Afterwards
it may not (`allow_reset`): a log that no longer has the next offset has lost records, and to go on
behind them would hide that.

While many records come, records of regular topics are paused at the broker until shortly before the
next transaction, so that one fetch brings them together.  Priority topics are never paused: a STOP
comes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, OffsetResetStrategy
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver

from streams.partition.changelog import DataLoss
from streams.runtime import timing

WAIT_ALL = 0.5
"""Seconds that a fetch of all partitions may take ..."""
WAIT_SOME = 0.02
"""... and one where some partitions have no capacity for more."""
IDLE_WAIT_MS = 1000
"""Milliseconds that a fetch may wait at the broker when nothing came last time ..."""
BUSY_WAIT_MS = 100
"""... and when records flow."""
ENOUGH_BYTES = 1 << 20
"""Bytes of records that end the wait of a processor with `Batching.fetch_wait`."""
ENDS_TIMEOUT = 2.0
"""Seconds that brokers have to say where topics end, or whether we are a member."""
RESUME_AHEAD = 0.02
"""Seconds between the fetch of paused records and the next transaction."""


@dataclass(slots=True)
class Fetch:
    """What one fetch returned: one item in the agent's channel."""

    serial: int
    """The seek that it belongs to."""
    records: Mapping[Any, list[Any]]
    positions: Mapping[Any, int]
    """Where the consumer stands, for the partitions that the fetch was to locate."""
    count: int
    """Fetches with records until then, this one included."""
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the agent has taken it."""


@dataclass(slots=True)
class Ends:
    """Where topics end, and where the consumer stands.  All records before that are in fetches up
    to `count` of the seek `serial`."""

    ends: Mapping[Any, int]
    positions: Mapping[Any, int]
    serial: int
    count: int


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    serial = 0
    """Counts seeks."""
    count = 0
    """Counts fetches with records."""
    sought: Mapping[Any, int]
    """Where the last seek went."""
    paused: frozenset[Any] = frozenset()
    paused_until = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = BUSY_WAIT_MS  # for the fetcher, where `_set_wait` changes it
        return consumer

    def _set_wait(self, busy: bool) -> None:
        """How long the next fetch may wait at the broker.

        Where nothing comes the wait is long, for the first record ends it.  Where records flow, or
        a partition has no capacity for more, it is short: aiokafka keeps one fetch in flight per
        broker, and idle partitions must not hold up a loaded one.  A processor that nobody waits
        for lets records gather instead: fewer fetches, and fewer and larger transactions."""
        fetcher = self._consumer._fetcher
        gather = self.consumer.app.faust_app.processor.batching.fetch_wait
        fetcher._fetch_min_bytes = ENOUGH_BYTES if busy and gather else 1
        fetcher._fetch_max_wait_ms = (int(gather * 1000) or BUSY_WAIT_MS) if busy else IDLE_WAIT_MS
        if self.paused:
            fetcher._fetch_max_wait_ms = max(1, int(1000 * (self.paused_until - time.monotonic())))

    async def seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        sought: Mapping[Any, int] = await self.call_thread(self._seek_exact, positions)
        return sought

    async def _seek_exact(self, positions: Mapping[Any, int]) -> Mapping[Any, int]:
        consumer = self._consumer
        self._resume_regular()
        assigned = list(consumer.assignment())
        unread = [one for one in assigned if one not in positions]
        starts = await consumer.beginning_offsets(unread) if unread else {}
        self.sought = {one: positions.get(one, starts.get(one, 0)) for one in assigned}
        self.serial += 1
        for one, offset in self.sought.items():  # no await between the serial and the last seek
            consumer.seek(one, offset)
        self.allow_reset(False)
        return self.sought

    async def commit_metadata(self, metadata: str, offsets: Mapping[Any, int | None]) -> None:
        """Commit the group's offsets with metadata, for monitoring.  A failure is ignored."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(
                self.call_thread(self._commit_metadata, metadata, offsets), timeout=2
            )

    async def _commit_metadata(self, metadata: str, offsets: Mapping[Any, int | None]) -> None:
        ours = {
            one: offsets[one] for one in self._consumer.assignment() if offsets.get(one) is not None
        }
        await self._consumer.commit(
            {one: OffsetAndMetadata(offset, metadata) for one, offset in ours.items()}
        )

    async def read_ends(self, partitions: Collection[Any]) -> Ends | None:
        """Where their logs end now; None if not each leader says so within ENDS_TIMEOUT."""
        reading = asyncio.run_coroutine_threadsafe(
            self._read_ends(partitions), self.thread_loop
        )  # not by `call_thread`, where it would wait behind fetches
        try:
            async with asyncio.timeout(ENDS_TIMEOUT):
                ends: Ends | None = await asyncio.wrap_future(reading)
                return ends
        except (KafkaError, TimeoutError, OSError):
            return None

    async def is_member(self) -> bool:
        """Whether the group's coordinator says now that we belong to its generation, and that no
        rebalance has begun."""
        asking = asyncio.run_coroutine_threadsafe(self._is_member(), self.thread_loop)
        try:
            async with asyncio.timeout(ENDS_TIMEOUT):
                return await asyncio.wrap_future(asking)
        except (KafkaError, TimeoutError, OSError):
            return False

    async def _is_member(self) -> bool:
        coordinator = self._consumer._coordinator
        is_known: bool = await coordinator._do_heartbeat()
        return is_known and not coordinator._rejoin_needed_fut.done()

    async def _read_ends(self, partitions: Collection[Any]) -> Ends | None:
        """Uncommitted records count: an acknowledged record may lie behind an open transaction, and
        the consumer's own `end_offsets` stops there.  The request goes by the connection of
        heartbeats: a broker answers a connection's requests one by one, and a fetch takes up to a
        second."""
        client = self._consumer._client
        asked: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for topic, partition in partitions:
            leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
            asked.setdefault(leader, {}).setdefault(topic, []).append(
                (partition, OffsetResetStrategy.LATEST)
            )
        if any(leader in (None, -1) for leader in asked):  # an election
            return None
        answers = await asyncio.gather(
            *[
                client.send(
                    leader,
                    OffsetRequest(-1, READ_UNCOMMITTED, list(topics.items())),
                    group=ConnectionGroup.COORDINATION,
                )
                for leader, topics in asked.items()
            ]
        )
        ends = {
            TopicPartition(topic, partition): offset
            for answer in answers
            for topic, parts in answer.topics
            for partition, error, _, offset in parts
            if not error
        }
        if len(ends) < len(partitions):
            return None
        serial, count = self.serial, self.count
        positions = {one: await self._consumer.position(one) for one in ends}
        has_moved = (serial, count) != (self.serial, self.count)
        return Ends(ends, {} if has_moved else positions, serial, count)

    def allow_reset(self, allow: bool) -> None:
        """Whether the consumer may begin where a log begins; see the module's docstring."""
        strategy = OffsetResetStrategy.EARLIEST if allow else OffsetResetStrategy.NONE
        self._consumer._fetcher._default_reset_strategy = strategy

    async def fetch(self, partitions: set[Any], to_locate: set[Any], wait: float) -> Fetch:
        """Records of `partitions`, and where the consumer stands in `to_locate`."""
        fetched: Fetch = await self.call_thread(self._fetch, partitions, to_locate, wait)
        return fetched

    async def _fetch(self, partitions: set[Any], to_locate: set[Any], wait: float) -> Fetch:
        consumer = self._consumer
        serial = self.serial
        try:
            records: Mapping[Any, list[Any]] = {}
            if self.paused:
                records = await self._fetch_within(
                    partitions - self.paused, self.paused_until - time.monotonic()
                )
            if not records:
                self._resume_regular()
                records = await self._fetch_within(partitions, wait)
            self._pause_regular(records)
        except OffsetOutOfRangeError as error:
            raise _to_data_loss(error) from None
        self.count += bool(records)
        if serial != self.serial:
            # A seek overtook this fetch, which may have taken records behind it: seek there again.
            for one in records:
                if one in self.sought:
                    consumer.seek(one, self.sought[one])
            records = {}
        self._set_wait(busy=bool(records) or wait < WAIT_ALL)
        assigned = consumer.assignment()
        positions = {one: await consumer.position(one) for one in to_locate if one in assigned}
        return Fetch(serial, records, positions if serial == self.serial else {}, self.count)

    async def _fetch_within(self, partitions: set[Any], wait: float) -> Mapping[Any, list[Any]]:
        if not partitions or wait <= 0:
            return {}
        consumer = self._consumer
        found: Mapping[Any, list[Any]] = await self._fetch_records(
            consumer, partitions, timeout=wait, max_records=consumer._max_poll_records
        )
        return found

    def _pause_regular(self, records: Mapping[Any, list[Any]]) -> None:
        """Records of regular topics may gather at the broker while the tasks let them gather.

        There was no await since the records were taken, so aiokafka has not asked for more yet."""
        faust_app = self.consumer.app.faust_app
        batching = faust_app.processor.batching
        now = time.monotonic()
        if self.paused or not (
            batching.busy_tick
            and batching.stop_topics == "priority_topics"
            and faust_app.arrival_rate.is_high(now)
        ):
            return
        if 0 < sum(map(len, records.values())) < timing.ENOUGH:
            urgent = {topic.name for topic in faust_app.processor.priority_topics}
            regular = {one for one in self._consumer.assignment() if one.topic not in urgent}
            self.paused = frozenset(regular)
            self.paused_until = now + batching.busy_tick - RESUME_AHEAD
            self._consumer.pause(*regular)

    def _resume_regular(self) -> None:
        if self.paused:
            self._consumer.resume(*(self.paused & self._consumer.assignment()))
            self.paused = frozenset()


def _to_data_loss(error: OffsetOutOfRangeError) -> DataLoss:
    """The next start, which `restore` refuses, says how many records are lost."""
    (one, offset), *_ = error.args[0].items()
    return DataLoss(
        f"{one.topic} partition {one.partition} no longer has offset {offset}, which comes "
        "next: records are gone, by retention or because the topic was cut, before they were read"
    )
