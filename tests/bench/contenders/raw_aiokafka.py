"""The plain job as a loop over aiokafka: idempotent producer, a send per record, offsets
committed after the sends.

At least once, and no more: the counts in memory are not restored, and a crash between sends and
commit counts twice."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.bench.contenders.options import Told, told


async def main(given: Told) -> None:
    consumer = AIOKafkaConsumer(
        given.source,
        bootstrap_servers=given.bootstrap,
        group_id=given.name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=2000,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=given.bootstrap, enable_idempotence=True, max_batch_size=256 << 10
    )
    await producer.start()
    await consumer.start()
    rows: dict[bytes, dict[str, Any]] = {}
    while True:
        await batch(await consumer.getmany(timeout_ms=100), rows, producer, given)
        await consumer.commit()


async def batch(
    fetched: dict[Any, list[Any]],
    rows: dict[bytes, dict[str, Any]],
    producer: AIOKafkaProducer,
    given: Told,
) -> None:
    sends, dirty = [], set()
    for records in fetched.values():
        for record in records:
            event = orjson.loads(record.value)
            row = rows.setdefault(record.key, {"n": 0, "total": 0})
            row["n"] += 1
            row["total"] += event["i"]
            dirty.add(record.key)
            said = orjson.dumps({"key": event["key"], "i": event["i"], "n": row["n"]})
            sends.append(await producer.send(given.output, said, key=record.key))
    for key in dirty:
        sends.append(
            await producer.send(f"{given.name}.changelog", orjson.dumps(rows[key]), key=key)
        )
    await asyncio.gather(*sends)


if __name__ == "__main__":
    asyncio.run(main(told()))
