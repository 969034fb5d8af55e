"""Records with a header whose name is not UTF-8, as some other language's client writes them
without a word."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

NAME = b"trace-\xff\xfe"


class Odd(NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None


class _AnyBytes(str):
    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode(encoding, "surrogateescape")


def spelt(name: bytes) -> str:
    """For a builder that only takes text."""
    return _AnyBytes(name.decode(errors="surrogateescape"))


async def publish_oddly(bootstrap: str, records: list[Odd]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for topic, partition, key, value in records:
            batch = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
            batch.append(
                timestamp=None, key=key, value=value, headers=[("ce_id", b"1"), (spelt(NAME), b"7")]
            )
            await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
