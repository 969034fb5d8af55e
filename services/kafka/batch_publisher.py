"""Many callers' messages in few produce requests: what arrives within a few milliseconds goes out together.

Every caller waits for its own record.  A partition has one batch under way at a time; what arrives meanwhile is its
next one.  So the order per key is kept, and a partition without a leader holds up no other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
)
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.base import Message
from schemas.topics import Topic
from services.kafka.publisher import NotPublished, Publisher
from streams.partition.decoding import partition_of

M = TypeVar("M", bound=Message)

WINDOW: Final = 0.02
"""Seconds.  A request waits for its record some milliseconds anyway."""
ENOUGH: Final = 32
"""Records that end a window: more together would save little, and who sends them may have few connections."""
LARGEST_RECORD: Final = 1_000_000
"""Bytes of key and value.  Kafka's own limit is 1,048,588 for a whole batch."""
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)


class _Record:
    __slots__ = ("alone", "confirmed", "headers", "key", "value")

    def __init__(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self.key, self.value, self.headers = key, value, headers
        self.alone = False
        """In a batch of its own, because Kafka refused one that it was in."""
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Sent(NamedTuple):
    producer: AIOKafkaProducer
    records: list[_Record]
    future: asyncio.Future[Any]


class _Lane:
    """What waits for one partition, and what is under way to it."""

    __slots__ = ("busy", "partition", "sent", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.waiting: deque[_Record] = deque()
        self.busy = False
        self.sent: _Sent | None = None

    def add(self, record: _Record) -> None:
        self._forget_overdue()
        self.waiting.append(record)

    def fill(self, batch: BatchBuilder) -> list[_Record]:
        """Moves into the batch what fits; a first record always does."""
        taken: list[_Record] = []
        self._forget_overdue()
        while self.waiting:
            record = self.waiting[0]
            if taken and (record.alone or taken[0].alone):
                break
            if not record.confirmed.done():
                if (
                    batch.append(
                        timestamp=None, key=record.key, value=record.value, headers=record.headers
                    )
                    is None
                ):
                    break
                taken.append(record)
            self.waiting.popleft()
        return taken

    def _forget_overdue(self) -> None:
        """Those that nobody waits for any more, so that they do not pile up while Kafka is away."""
        while self.waiting and self.waiting[0].confirmed.done():
            self.waiting.popleft()


class BatchPublisher(Publisher):
    """As Publisher, for many callers at once.  A message that was not confirmed in time and is not on its way yet is
    not sent any more."""

    def __init__(
        self,
        bootstrap: str,
        source: str,
        timeout: float = 10.0,
        window: float = WINDOW,
        windows: Mapping[str, float] | None = None,
    ) -> None:
        """`windows`: those of some topics, by name, in seconds."""
        super().__init__(bootstrap, source, timeout)
        self._window, self._windows = window, windows or {}
        self._arrived: dict[str, list[_Record]] = {}
        """By topic.  As long as a topic is in here, a task distributes what has arrived for it."""
        self._enough: dict[str, asyncio.Event] = {}
        """By topic: set when a window need not last longer."""
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = self._stopped = False

    async def publish(self, topic: Topic[M], message: M) -> None:
        await self._accept(topic, message)

    async def publish_all(self, topic: Topic[M], messages: Iterable[M]) -> None:
        await asyncio.gather(*(self.publish(topic, message) for message in messages))

    async def stop(self) -> None:
        self._stopping = True
        waited_for = [
            record.confirmed for record in self._unconfirmed() if not record.confirmed.done()
        ]
        if waited_for:
            await asyncio.wait(waited_for, timeout=self._timeout)
        self._stopped = True
        await super().stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._timeout)
            for task in late:
                task.cancel()

    def _accept(self, topic: Topic[M], message: M) -> asyncio.Future[None]:
        key, value = topic.key(message).encode(), topic.encode(message)
        if self._stopping:
            raise NotPublished("the publisher is stopping")
        if len(key) + len(value) > LARGEST_RECORD:
            raise NotPublished(
                f"a record of {len(value)} bytes for {topic.name}; at most {LARGEST_RECORD}"
            )
        record = _Record(key, value, self._envelope.headers(topic))
        arrived = self._arrived.get(topic.name)
        if arrived is None:
            arrived = self._arrived[topic.name] = []
            self._enough[topic.name] = asyncio.Event()
            self._spawn(self._distribute(topic.name))
        if (
            not arrived
        ):  # one timer for all that come together: one for each cost a tenth of a request
            asyncio.get_running_loop().call_later(
                self._timeout, self._fail, arrived, TimeoutError()
            )
        arrived.append(record)
        if len(arrived) == ENOUGH:
            self._enough[topic.name].set()
        return record.confirmed

    def _unconfirmed(self) -> Iterable[_Record]:
        for arrived in self._arrived.values():
            yield from arrived
        for lane in self._lanes.values():
            yield from lane.waiting
            if lane.sent is not None:
                yield from lane.sent.records

    async def _distribute(self, topic: str) -> None:
        """To the lanes, a window after the first has arrived; again if more arrived while Kafka kept us waiting."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._windows.get(topic, self._window)):
                await self._enough[topic].wait()
        while records := self._arrived[topic]:
            self._arrived[topic] = []
            try:
                async with asyncio.timeout(self._timeout):
                    producer = await self._started()
                    partitions = len(await producer.partitions_for(topic))
            except Exception as error:  # noqa: BLE001  # whatever it was, they hear of it
                self._fail(records, error)
                continue
            touched = {}
            for record in records:
                lane = self._lane(topic, partition_of(record.key, partitions))
                lane.add(record)
                touched[lane.partition] = lane
            for lane in touched.values():
                await self._send(lane)
        del self._arrived[topic]

    def _lane(self, topic: str, partition: int) -> _Lane:
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = _Lane(topic, partition)
        return lane

    async def _send(self, lane: _Lane) -> None:
        """The next batch, if none is under way."""
        if lane.busy or not lane.waiting:
            return
        lane.busy = True
        producer, records = None, list[_Record]()
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._started()
                batch = producer.create_batch()
                records = lane.fill(batch)
                if not records:
                    lane.busy = False
                    return
                future = await producer.send_batch(batch, lane.topic, partition=lane.partition)
        except Exception as error:  # noqa: BLE001  # whatever it was, they hear of it
            if producer is None:
                records = list(lane.waiting)
                lane.waiting.clear()
            self._settle(lane, producer, records, error)
        else:
            lane.sent = _Sent(producer, records, future)
            future.add_done_callback(partial(self._acknowledged, lane))

    def _acknowledged(self, lane: _Lane, future: asyncio.Future[Any]) -> None:
        error = ProducerClosed() if future.cancelled() else future.exception()
        sent = lane.sent
        if sent is not None and sent.future is future:  # else it was given up with its producer
            self._settle(lane, sent.producer, sent.records, error)

    def _settle(
        self,
        lane: _Lane,
        producer: AIOKafkaProducer | None,
        records: list[_Record],
        error: BaseException | None,
    ) -> None:
        """Tells who waits.  Of a batch that was refused for its size each record gets a batch of its own: one that is
        too large must not take others down."""
        lane.busy, lane.sent = False, None
        if error is None:
            for record in records:
                if not record.confirmed.done():
                    record.confirmed.set_result(None)
        elif isinstance(error, _TOO_LARGE) and len(records) > 1:
            for record in reversed(records):
                record.alone = True
                lane.waiting.appendleft(record)
        else:
            self._fail(records, error)
        if isinstance(error, KafkaError) and producer is not None and producer is self._producer:
            self._producer = None  # its sequence numbers no longer agree with the broker's
            self._spawn(self._ended(producer))
        if lane.waiting and not self._stopped:
            self._spawn(self._send(lane))

    def _fail(self, records: Iterable[_Record], error: BaseException) -> None:
        words = self._silence() if isinstance(error, TimeoutError) else self._refusal(error)
        for record in records:
            if not record.confirmed.done():
                record.confirmed.set_exception(NotPublished(words))

    async def _ended(self, producer: AIOKafkaProducer) -> None:
        """A batch that it did not get confirmed until now never will be."""
        await super()._ended(producer)
        for lane in self._lanes.values():
            if lane.sent is not None and lane.sent.producer is producer:
                self._settle(lane, producer, lane.sent.records, ProducerClosed())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
