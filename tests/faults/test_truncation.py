"""Retention that takes what a running worker has not read yet is named, not stepped over."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Collection
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from services.kafka.admin import admin_client
from streams.partition.changelog import DataLoss
from streams.runtime.faust_app import FaustApp
from streams.runtime.main import run
from streams.runtime.runner import Hooks
from streams.runtime.timing import RuntimeLimits
from tests.faults import chaos, counting
from tests.read_committed import records

pytestmark = pytest.mark.broker


class Worker:
    """The counting room in this process; `fatal` is what would have ended it."""

    def __init__(self, bootstrap: str, prefix: str, accepted: Collection[str] = ()) -> None:
        loop = asyncio.get_running_loop()
        self.ready, self.stop = asyncio.Event(), asyncio.Event()
        self.fatal: asyncio.Future[BaseException] = loop.create_future()
        hooks = Hooks(on_ready=lambda partitions: self.ready.set(), on_fatal=self._end)
        pace = RuntimeLimits(session_timeout=4, transaction_timeout=8, call_timeout=2)
        counts = counting.counts(prefix, 1)
        self.host = FaustApp(
            counting.counting(prefix), bootstrap, counts, hooks, limits=pace, accepted=accepted
        )
        self.task = asyncio.create_task(run(self.host, self.stop))

    def _end(self, error: BaseException) -> None:
        if not self.fatal.done():
            self.fatal.set_result(error)
        self.stop.set()

    async def ended(self) -> BaseException:
        async with asyncio.timeout(60):
            error = await self.fatal
            await self.task
        return error


async def publish(bootstrap: str, topic: str, start: int, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for i in range(start, start + count):
        await producer.send_and_wait(
            topic, json.dumps({"key": "k", "i": i}).encode(), key=b"k", partition=0
        )
    await producer.stop()


async def counted(bootstrap: str, prefix: str) -> list[Any]:
    topic = counting.topics(prefix)["counted"].name
    return [json.loads(r.value)["i"] for r in await records(bootstrap, topic)]


@pytest.mark.timeout(120)
async def test_lost_records_stop_a_worker_until_the_loss_is_accepted(
    bootstrap: str,
) -> None:
    prefix = f"lost-{uuid.uuid4().hex[:8]}"
    await chaos.make_topics(bootstrap, prefix, partitions=1)
    then = counting.topics(prefix)["then"].name
    await publish(bootstrap, then, 0, 2)
    worker = Worker(bootstrap, prefix)
    while len(await counted(bootstrap, prefix)) < 2:  # noqa: ASYNC110 - Kafka has no event for it
        await asyncio.sleep(0.05)
    # it is busy, and its fetcher one fetch ahead
    worker.host.has_capacity = lambda place: False  # type: ignore[method-assign]
    await asyncio.sleep(1)  # what it has asked for already has come by then
    await publish(bootstrap, then, 2, 1)
    await asyncio.sleep(2)  # fetched by now, and nothing behind it is before it is taken
    await publish(bootstrap, then, 3, 4)
    async with admin_client(bootstrap) as client:
        await client.delete_records({TopicPartition(then, 0): RecordsToDelete(before_offset=6)})
    del worker.host.has_capacity
    lost = await worker.ended()
    assert isinstance(lost, DataLoss)
    assert f"{then} partition 0 no longer has offset " in str(lost)
    again = await Worker(bootstrap, prefix).ended()
    judged = await counted(bootstrap, prefix)
    assert judged == list(range(len(judged))), "nothing behind the gap was judged"
    assert isinstance(again, DataLoss)
    told = f"{then} partition 0 begins at 6, but only {len(judged)} was read: {6 - len(judged)} records are gone"
    assert told in str(again)
    await goes_on_once_it_is_accepted(bootstrap, prefix, f"{then}/0@6", str(again), judged)


async def goes_on_once_it_is_accepted(
    bootstrap: str, prefix: str, loss: str, refusal: str, judged: list[Any]
) -> None:
    """By its name, which the refusal tells; one that names another loss is refused as before.
    It is noted for good."""
    assert f"SAYSO_ACCEPT_LOSS={loss} " in refusal
    assert isinstance(await Worker(bootstrap, prefix, [loss[:-1] + "5"]).ended(), DataLoss)
    for accepted in ([loss], []):
        worker = Worker(bootstrap, prefix, accepted)
        async with asyncio.timeout(60):
            await worker.ready.wait()
            while (now := await counted(bootstrap, prefix)) != [*judged, 6]:
                assert not worker.fatal.done()
                await asyncio.sleep(0.05)
        worker.stop.set()
        await worker.task
        assert now == [*judged, 6]
