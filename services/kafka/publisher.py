"""The one way for a service to put a message on its topic: keyed, typed, and waited for."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterable
from itertools import count
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.base import Message
from schemas.cloudevents import fixed_headers
from schemas.topics import Topic
from services.kafka.security import access, nobody

M = TypeVar("M", bound=Message)


class NotPublished(Exception):
    """Kafka did not confirm in time.  The record may still arrive: publishing it again must be harmless."""


class Envelope:
    """CloudEvents 1.0, Kafka binding, binary mode.  Only the id differs from record to record: it is a random stem of
    this object and a number."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._stem = uuid.uuid4().hex.encode()
        self._numbers = count()
        self._fixed: dict[str, tuple[tuple[str, bytes], ...]] = {}

    def headers(self, topic: Topic[Any]) -> list[tuple[str, bytes]]:
        fixed = self._fixed.get(topic.name) or self._fix(topic)
        return [*fixed, ("ce_id", b"%b-%d" % (self._stem, next(self._numbers)))]

    def _fix(self, topic: Topic[Any]) -> tuple[tuple[str, bytes], ...]:
        fixed = self._fixed[topic.name] = fixed_headers(topic, self._source)
        return fixed


class Publisher:
    """`source` becomes the CloudEvents source `/sayso/<source>`; `timeout` in seconds, for the broker's word on a
    whole call.  The partition is the key's under the Java client's hash, which every room expects.

    aiokafka's idempotent producer never gives a batch up: what was not confirmed in time is written once the broker
    is back, if this process still lives.  A producer that broke (its sequence numbers no longer agree with the
    broker's) is replaced before the next message."""

    def __init__(self, bootstrap: str, source: str, timeout: float = 10.0) -> None:
        self._bootstrap = bootstrap
        self._timeout = timeout
        self._envelope = Envelope(source)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Raises NotPublished when no broker answers; a later publish tries again."""
        await self._within(self._started())

    async def publish(self, topic: Topic[M], message: M) -> None:
        """Returns once every in-sync replica has it.  Raises NotPublished."""
        await self.publish_all(topic, (message,))

    async def publish_all(self, topic: Topic[M], messages: Iterable[M]) -> None:
        """In this order per key; returns once all are confirmed.  Raises NotPublished if any is not."""
        await self._within(self._sent(topic, messages))

    async def reachable(self) -> bool:
        """Does a broker answer now?"""
        try:
            return bool(await self._within(self._asked()))
        except NotPublished:
            return False

    async def stop(self) -> None:
        """Waits `timeout` for what is under way, no longer: a broker that is gone must not hold us up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._ended(producer)

    async def _within(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            raise NotPublished(self._silence()) from None
        except KafkaError as error:
            broken, self._producer = self._producer, None
            if broken is not None:
                await self._ended(broken)
            raise NotPublished(self._refusal(error)) from error

    def _silence(self) -> str:
        return f"Kafka at {self._bootstrap} did not confirm within {self._timeout:g} s"

    def _refusal(self, error: BaseException) -> str:
        silent = isinstance(error, KafkaConnectionError)
        return nobody(self._bootstrap) if silent else f"Kafka at {self._bootstrap} refused: {error}"

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=256 << 10,
                    **access(),
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _sent(self, topic: Topic[M], messages: Iterable[M]) -> None:
        producer = await self._started()
        confirmed = []
        for message in messages:
            future = await producer.send(
                topic.name,
                topic.encode(message),
                topic.key(message).encode(),
                headers=self._envelope.headers(topic),
            )
            future.add_done_callback(_seen)
            confirmed.append(asyncio.shield(future))
        await asyncio.gather(*confirmed)

    async def _asked(self) -> bool:
        return bool(await (await self._started()).client.force_metadata_update())

    async def _ended(self, producer: AIOKafkaProducer) -> None:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(producer.stop(), self._timeout)
        await producer.client.close()


def _seen(future: asyncio.Future[Any]) -> None:
    """A failure nobody waits for any more is not worth a warning at exit."""
    if not future.cancelled():
        future.exception()
