"""The one way for a service to put a message on its topic: keyed, typed, and waited for."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Iterable
from itertools import count
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.base import Message
from schemas.cloudevents import Headers, common_headers
from schemas.topics import Topic
from services.kafka.security import security_options, unreachable_message

M = TypeVar("M", bound=Message)
T = TypeVar("T")


class NotPublished(Exception):
    """Kafka did not confirm in time.

    The record may still arrive, so publishing it again must be harmless.
    """


class CloudEventHeaders:
    """The headers of records from one source.

    Only the id differs between records of a topic: a random stem of this object, and a number.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._stem = uuid.uuid4().hex.encode()
        self._numbers = count()
        self._fixed: dict[str, Headers] = {}

    def build(self, topic: Topic[Any]) -> list[tuple[str, bytes]]:
        fixed = self._fixed.get(topic.name)
        if fixed is None:
            fixed = self._fixed[topic.name] = common_headers(topic, self._source)
        return [*fixed, ("ce_id", b"%b-%d" % (self._stem, next(self._numbers)))]


class Publisher:
    """Publishes messages and waits until Kafka confirms them.

    The key chooses the partition by the Java client's hash, which every processor expects.

    aiokafka's idempotent producer never gives up a batch: what was not confirmed in time is written
    once the broker is back, if this process still lives. A producer whose sequence numbers no
    longer agree with the broker's is replaced before the next message.
    """

    def __init__(self, bootstrap: str, source: str, timeout: float = 10.0) -> None:
        """`source`: becomes the CloudEvents source `/sayso/<source>`.

        `timeout`: seconds for a whole call, until the broker confirms.
        """
        self._bootstrap = bootstrap
        self._timeout = timeout
        self._headers = CloudEventHeaders(source)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Raises NotPublished when no broker answers; a later publish tries again."""
        await self._limit_time(self._get_producer())

    async def publish(self, topic: Topic[M], message: M) -> None:
        """Returns once every in-sync replica has it. Raises NotPublished."""
        await self.publish_all(topic, (message,))

    async def publish_all(self, topic: Topic[M], messages: Iterable[M]) -> None:
        """In this order per key. Returns once all are confirmed.

        Raises NotPublished if any is not.
        """
        await self._limit_time(self._send_all(topic, messages))

    async def is_reachable(self) -> bool:
        """Whether a broker answers now."""
        try:
            return bool(await self._limit_time(self._refresh_metadata()))
        except NotPublished:
            return False

    async def list_topics(self) -> set[str]:
        """Those that Kafka has. Raises NotPublished.

        It asks for all of them: to ask for one by its name creates it, where Kafka may."""
        return await self._limit_time(self._list_topics())

    async def stop(self) -> None:
        """Waits for what is under way, but no longer than the timeout: the broker may be gone."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._close(producer)

    async def _limit_time(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            raise NotPublished(self._timeout_message()) from None
        except KafkaError as error:
            broken, self._producer = self._producer, None
            if broken is not None:
                await self._close(broken)
            raise NotPublished(self._error_message(error)) from error

    def _timeout_message(self) -> str:
        return f"Kafka at {self._bootstrap} did not confirm within {self._timeout:g} s"

    def _error_message(self, error: BaseException) -> str:
        if isinstance(error, KafkaConnectionError):
            return unreachable_message(self._bootstrap)
        return f"Kafka at {self._bootstrap} refused: {error}"

    async def _get_producer(self) -> AIOKafkaProducer:
        """The running producer, started if there is none."""
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=256 << 10,
                    **security_options(),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _send_all(self, topic: Topic[M], messages: Iterable[M]) -> None:
        producer = await self._get_producer()
        confirmations = []
        for message in messages:
            future = await producer.send(
                topic.name,
                topic.encode(message),
                topic.key(message).encode(),
                headers=self._headers.build(topic),
            )
            future.add_done_callback(retrieve_exception)
            confirmations.append(asyncio.shield(future))
        await asyncio.gather(*confirmations)

    async def _list_topics(self) -> set[str]:
        producer = await self._get_producer()
        return set((await producer.client.fetch_all_metadata()).topics())

    async def _refresh_metadata(self) -> bool:
        producer = await self._get_producer()
        return bool(await producer.client.force_metadata_update())

    async def _close(self, producer: AIOKafkaProducer) -> None:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(producer.stop(), self._timeout)
        await producer.client.close()


def retrieve_exception(future: asyncio.Future[Any]) -> None:
    """Or asyncio warns at exit about a failure for which nobody waits any more."""
    if not future.cancelled():
        future.exception()
