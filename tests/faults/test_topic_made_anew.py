"""A topic under an old name, or a log that holds other records than were read, is not read on."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from services.kafka.admin import admin_client
from streams.partition.changelog import POSITIONS, DataLoss
from tests.faults import chaos, counting
from tests.faults.test_truncation import Worker, counted, publish
from tests.read_committed import records

pytestmark = pytest.mark.broker


async def make_anew(bootstrap: str, topic: str, records: int) -> None:
    async with admin_client(bootstrap) as client:
        await client.delete_topics([topic])
        async with asyncio.timeout(30):
            while topic in await client.list_topics():  # noqa: ASYNC110 - the broker changes it
                await asyncio.sleep(0.05)
        await client.create_topics([NewTopic(topic, 1, 1)])
        async with asyncio.timeout(30):
            while topic not in await client.list_topics():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    await publish(bootstrap, topic, 100, records)


async def read(bootstrap: str, prefix: str, count: int) -> None:
    """Let a worker count so many events, and end it."""
    worker = Worker(bootstrap, prefix)
    async with asyncio.timeout(60):
        while len(await counted(bootstrap, prefix)) < count:
            assert not worker.fatal.done()
            await asyncio.sleep(0.05)
    worker.stop.set()
    await worker.task


async def made(bootstrap: str, count: int) -> tuple[str, str]:
    prefix = f"anew-{uuid.uuid4().hex[:8]}"
    await chaos.make_topics(bootstrap, prefix, partitions=1)
    topic = counting.topics(prefix)["then"].name
    await publish(bootstrap, topic, 0, count)
    await read(bootstrap, prefix, count)
    return prefix, topic


async def positions(bootstrap: str, prefix: str) -> dict[str, Any]:
    rows = await records(bootstrap, counting.counting(prefix).state_topic.name)
    return json.loads([row for row in rows if row.key == POSITIONS][-1].value or b"")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("refilled", [2, 3, 5])
async def test_a_topic_made_anew_is_refused_by_name_until_it_is_accepted(
    bootstrap: str, refilled: int
) -> None:
    """With fewer records than were read, with as many, and with more."""
    prefix, topic = await made(bootstrap, 3)
    await make_anew(bootstrap, topic, refilled)
    lost = await Worker(bootstrap, prefix).ended()
    assert isinstance(lost, DataLoss)
    assert f"{topic} partition 0 was deleted and created again: 3 was read" in str(lost)
    assert await counted(bootstrap, prefix) == [0, 1, 2]
    name = str(lost).split("SAYSO_ACCEPT_LOSS=")[1].split()[0]
    assert isinstance(await Worker(bootstrap, prefix, [f"{topic}/0@0"]).ended(), DataLoss)
    for accepted in ([name], []):
        worker = Worker(bootstrap, prefix, accepted)
        async with asyncio.timeout(60):
            while len(await counted(bootstrap, prefix)) < 3 + refilled:
                assert not worker.fatal.done()
                await asyncio.sleep(0.05)
            while (await positions(bootstrap, prefix))["positions"][topic] != refilled:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        worker.stop.set()
        await worker.task
    assert await counted(bootstrap, prefix) == [0, 1, 2, *range(100, 100 + refilled)]
    await make_anew(bootstrap, topic, refilled)
    assert isinstance(await Worker(bootstrap, prefix, [name]).ended(), DataLoss), "of that one only"


@pytest.mark.timeout(120)
async def test_a_running_worker_notices_a_topic_made_anew(bootstrap: str) -> None:
    prefix, topic = await made(bootstrap, 3)
    worker = Worker(bootstrap, prefix)
    await worker.ready.wait()
    await make_anew(bootstrap, topic, 6)
    lost = await worker.ended()
    if "is not assigned together with" in str(lost):  # a rebalance came while it did not exist
        lost = await Worker(bootstrap, prefix).ended()
    assert isinstance(lost, DataLoss)
    assert topic in str(lost)


@pytest.mark.timeout(120)
async def test_state_of_an_earlier_version_takes_the_ids_as_they_are(bootstrap: str) -> None:
    prefix, topic = await made(bootstrap, 3)
    kept = await positions(bootstrap, prefix)
    topic_id, (offset, *_) = kept.pop("inputs")[topic]
    assert offset == 2
    await write_positions(bootstrap, prefix, kept)
    worker = Worker(bootstrap, prefix)
    async with asyncio.timeout(60):
        while "inputs" not in (now := await positions(bootstrap, prefix)):
            assert not worker.fatal.done()
            await asyncio.sleep(0.05)
    worker.stop.set()
    await worker.task
    assert now["inputs"][topic][0] == topic_id
    assert now["positions"] == kept["positions"]


@pytest.mark.timeout(120)
async def test_a_log_that_was_cut_and_grew_again_is_refused(bootstrap: str) -> None:
    """An unclean election leaves the topic's id as it is; another record stands where the last one
    was read."""
    prefix, topic = await made(bootstrap, 3)
    kept = await positions(bootstrap, prefix)
    kept["inputs"][topic][1][2] ^= 1
    await write_positions(bootstrap, prefix, kept)
    lost = await Worker(bootstrap, prefix).ended()
    assert isinstance(lost, DataLoss)
    assert f"{topic} partition 0 was cut and grew again" in str(lost)
    assert f"SAYSO_ACCEPT_LOSS={topic}/0@0 " in str(lost)


async def write_positions(bootstrap: str, prefix: str, fields: dict[str, Any]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    state = counting.counting(prefix).state_topic.name
    await producer.send_and_wait(state, json.dumps(fields).encode(), key=POSITIONS, partition=0)
    await producer.stop()
