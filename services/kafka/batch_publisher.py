"""Publish many callers' messages in few produce requests.

Theory of operation
-------------------
Every caller waits for its own record, but records that arrive within a few milliseconds of each
other travel together.

* `publish` puts a record into the arrivals of its topic. The first arrival starts a task for the
  topic, which waits for the *window* to end and then hands the records to the queues of their
  partitions. A window ends after a fixed time, or as soon as enough records are there.
* A partition queue has one batch under way at a time. What arrives meanwhile becomes its next
  batch. So the order per key is kept, and a partition without a leader delays no other.
* If Kafka refuses a batch for its size, each of its records is sent again in a batch of its own: a
  record that is too large must not take others down.
* If a producer breaks, its sequence numbers no longer agree with the broker's. It is closed, what
  it had under way has failed, and the next batch starts another producer.
* A record that was not confirmed in time fails, and is dropped unless it is already under way.
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
from services.kafka.publisher import NotPublished, Publisher, retrieve_exception
from streams.partition.decoding import partition_of

M = TypeVar("M", bound=Message)

WINDOW: Final = 0.02
"""Seconds. A request waits some milliseconds for its record anyway."""
ENOUGH: Final = 32
"""Records that end a window. More together would save little, and callers' connections are few."""
LARGEST_RECORD: Final = 1_000_000
"""Bytes of key and value. Kafka's own limit is 1,048,588 for a whole batch."""
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)


class _Record:
    __slots__ = ("alone", "confirmed", "headers", "key", "value")

    def __init__(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self.key = key
        self.value = value
        self.headers = headers
        self.alone = False
        """It gets a batch of its own, because Kafka refused a batch that it was in."""
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _SentBatch(NamedTuple):
    producer: AIOKafkaProducer
    records: list[_Record]
    future: asyncio.Future[Any]


class _PartitionQueue:
    """What waits for one partition, and what is under way to it."""

    __slots__ = ("busy", "partition", "sent", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[_Record] = deque()
        self.busy = False
        self.sent: _SentBatch | None = None

    def add(self, record: _Record) -> None:
        self._drop_overdue()
        self.waiting.append(record)

    def fill(self, batch: BatchBuilder) -> list[_Record]:
        """Move into the batch what fits. The first record always does."""
        taken: list[_Record] = []
        self._drop_overdue()
        while self.waiting:
            record = self.waiting[0]
            if taken and (record.alone or taken[0].alone):
                break
            if not record.confirmed.done():
                added = batch.append(
                    timestamp=None, key=record.key, value=record.value, headers=record.headers
                )
                if added is None:
                    break
                taken.append(record)
            self.waiting.popleft()
        return taken

    def _drop_overdue(self) -> None:
        """Nobody waits for these any more; they must not pile up while Kafka is away."""
        while self.waiting and self.waiting[0].confirmed.done():
            self.waiting.popleft()


class BatchPublisher(Publisher):
    """As Publisher, for many callers at once.

    A message that was not confirmed in time, and is not under way yet, is not sent any more.
    """

    def __init__(
        self,
        bootstrap: str,
        source: str,
        timeout: float = 10.0,
        window: float = WINDOW,
        windows: Mapping[str, float] | None = None,
    ) -> None:
        """`windows`: for some topics another window, by topic name, in seconds."""
        super().__init__(bootstrap, source, timeout)
        self._window = window
        self._windows = windows or {}
        self._arrived: dict[str, list[_Record]] = {}
        """By topic. While a topic is in here, a task distributes what has arrived for it."""
        self._distributed: dict[str, list[_Record]] = {}
        """By topic: those whose partitions are not known yet."""
        self._enough: dict[str, asyncio.Event] = {}
        """By topic: set when the window can end early."""
        self._queues: dict[tuple[str, int], _PartitionQueue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        """Nothing new is accepted."""
        self._stopped = False
        """Nothing more is sent."""

    async def publish(self, topic: Topic[M], message: M) -> None:
        await self._accept(topic, message)

    async def publish_all(self, topic: Topic[M], messages: Iterable[M]) -> None:
        confirmed: list[asyncio.Future[None]] = []
        try:
            for message in messages:
                confirmed.append(self._accept(topic, message))  # noqa: PERF401 - one may fail
        except NotPublished:
            for one in confirmed:
                one.add_done_callback(retrieve_exception)
            raise
        await asyncio.gather(*confirmed)

    async def stop(self) -> None:
        self._stopping = True
        unconfirmed = [
            record.confirmed for record in self._all_records() if not record.confirmed.done()
        ]
        if unconfirmed:
            await asyncio.wait(unconfirmed, timeout=self._timeout)
        self._stopped = True
        await super().stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._timeout)
            for task in late:
                task.cancel()
            await super().stop()  # a task may have started another producer

    def _all_records(self) -> Iterable[_Record]:
        for records in (*self._arrived.values(), *self._distributed.values()):
            yield from records
        for queue in self._queues.values():
            yield from queue.waiting
            if queue.sent is not None:
                yield from queue.sent.records

    def _accept(self, topic: Topic[M], message: M) -> asyncio.Future[None]:
        key = topic.key(message).encode()
        value = topic.encode(message)
        if self._stopping:
            raise NotPublished("the publisher is stopping")
        if len(key) + len(value) > LARGEST_RECORD:
            raise NotPublished(
                f"a record of {len(value)} bytes for {topic.name}; at most {LARGEST_RECORD}"
            )
        record = _Record(key, value, self._headers.build(topic))
        arrived = self._arrived.get(topic.name)
        if arrived is None:
            arrived = self._arrived[topic.name] = []
            self._enough[topic.name] = asyncio.Event()
            self._spawn(self._distribute(topic.name))
        if not arrived:
            # One timer for all records that come together. A timer for each cost a tenth of a
            # request.
            loop = asyncio.get_running_loop()
            loop.call_later(self._timeout, self._fail, arrived, TimeoutError())
        arrived.append(record)
        if len(arrived) == ENOUGH:
            self._enough[topic.name].set()
        return record.confirmed

    async def _distribute(self, topic: str) -> None:
        """Hand arrivals to their queues when the window ends.

        Repeats for what arrived while Kafka kept us waiting for the topic's partitions.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._windows.get(topic, self._window)):
                await self._enough[topic].wait()
        while records := self._arrived[topic]:
            self._arrived[topic] = []
            self._distributed[topic] = records
            try:
                async with asyncio.timeout(self._timeout):
                    producer = await self._get_producer()
                    partitions = len(await producer.partitions_for(topic))
            except Exception as error:  # noqa: BLE001  # whatever it was, the callers get it
                self._fail(records, error)
                continue
            touched = {}
            for record in records:
                queue = self._queue_of(topic, partition_of(record.key, partitions))
                queue.add(record)
                touched[queue.partition] = queue
            self._distributed[topic] = []
            for queue in touched.values():
                await self._send(queue)
        del self._arrived[topic]

    def _queue_of(self, topic: str, partition: int) -> _PartitionQueue:
        queue = self._queues.get((topic, partition))
        if queue is None:
            queue = self._queues[topic, partition] = _PartitionQueue(topic, partition)
        return queue

    async def _send(self, queue: _PartitionQueue) -> None:
        """Send the next batch, unless one is under way."""
        if queue.busy or not queue.waiting:
            return
        queue.busy = True
        producer = None
        records: list[_Record] = []
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._get_producer()
                batch = producer.create_batch()
                records = queue.fill(batch)
                if not records:
                    queue.busy = False
                    return
                future = await producer.send_batch(batch, queue.topic, partition=queue.partition)
        except Exception as error:  # noqa: BLE001  # whatever it was, the callers get it
            if producer is None:
                records = list(queue.waiting)
                queue.waiting.clear()
            self._settle(queue, producer, records, error)
        else:
            queue.sent = _SentBatch(producer, records, future)
            future.add_done_callback(partial(self._on_acknowledged, queue))

    def _on_acknowledged(self, queue: _PartitionQueue, future: asyncio.Future[Any]) -> None:
        error = ProducerClosed() if future.cancelled() else future.exception()
        sent = queue.sent
        if sent is not None and sent.future is future:  # else it was given up with its producer
            self._settle(queue, sent.producer, sent.records, error)

    def _settle(
        self,
        queue: _PartitionQueue,
        producer: AIOKafkaProducer | None,
        records: list[_Record],
        error: BaseException | None,
    ) -> None:
        """A batch has ended: answer its callers, and send the next one."""
        queue.busy = False
        queue.sent = None
        if error is None:
            for record in records:
                if not record.confirmed.done():
                    record.confirmed.set_result(None)
        elif isinstance(error, _TOO_LARGE) and len(records) > 1:
            for record in reversed(records):
                record.alone = True
                queue.waiting.appendleft(record)
        else:
            self._fail(records, error)
        if isinstance(error, KafkaError) and producer is not None and producer is self._producer:
            self._producer = None  # its sequence numbers no longer agree with the broker's
            self._spawn(self._close(producer))
        if queue.waiting and not self._stopped:
            self._spawn(self._send(queue))

    def _fail(self, records: Iterable[_Record], error: BaseException) -> None:
        if isinstance(error, TimeoutError):
            message = self._timeout_message()
        else:
            message = self._error_message(error)
        for record in records:
            if not record.confirmed.done():
                record.confirmed.set_exception(NotPublished(message))

    async def _close(self, producer: AIOKafkaProducer) -> None:
        """What this producer did not get confirmed until now never will be."""
        await super()._close(producer)
        for queue in self._queues.values():
            if queue.sent is not None and queue.sent.producer is producer:
                self._settle(queue, producer, queue.sent.records, ProducerClosed())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
