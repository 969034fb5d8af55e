"""Publishing for many callers at once: each hears of its own record, and of nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from datetime import UTC, datetime

import pytest
from aiokafka.admin import NewTopic

from schemas.inbound import InboundMessage
from schemas.topics import DELIVERY_RECEIPTS, INBOUND, SEND_REQUESTS
from services.kafka.admin import admin_client
from services.kafka.batch_publisher import ENOUGH, LARGEST_RECORD, BatchPublisher
from services.kafka.publisher import NotPublished
from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from streams.partition.decoding import partition_of
from tests.adapters.servers import nobody_listens
from tests.adapters.test_publisher import request
from tests.adapters.topics import records
from tests.adapters.waiting import until


def text(number: int, body: str = "x", sender: str = "24365") -> InboundMessage:
    return InboundMessage(
        provider_id=f"SM{number}",
        sender=sender,
        to_address=sender,
        number=f"+1415555{number % 7:04d}",
        body=body,
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


async def outcomes(publisher: BatchPublisher, *messages: InboundMessage) -> list[str]:
    """Of all at once: "" or why not."""
    given = (publisher.publish(INBOUND, message) for message in messages)
    return [str(problem or "") for problem in await asyncio.gather(*given, return_exceptions=True)]


async def on_kafka(bootstrap: str) -> list[str]:
    return [INBOUND.decode(one.value).provider_id for one in await records(bootstrap, INBOUND)]


@pytest.mark.broker
async def test_every_record_arrives_once_in_order_on_its_partition(
    fresh_cluster: str,
) -> None:
    publisher = BatchPublisher(fresh_cluster, source="test", window=0.001)
    errors = list[str]()
    for burst in range(20):
        errors += await outcomes(publisher, *(text(50 * burst + n) for n in range(50)))
    await publisher.publish_all(INBOUND, [text(n) for n in range(1000, 1100)])
    await publisher.stop()
    found = await records(fresh_cluster, INBOUND)
    by_key = defaultdict[bytes, list[int]](list)
    for one in found:
        by_key[one.key].append(int(INBOUND.decode(one.value).provider_id.removeprefix("SM")))
    assert errors == [""] * 1000
    assert sorted(number for numbers in by_key.values() for number in numbers) == list(range(1100))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert all(one.partition == partition_of(one.key, 4) for one in found)
    assert len({dict(one.headers)["ce_id"] for one in found}) == 1100
    assert {tuple(sorted(set(dict(one.headers)) - {"ce_id"})) for one in found} == {
        ("ce_source", "ce_specversion", "ce_type", "content-type")
    }


@pytest.mark.broker
async def test_order_per_key_while_batches_are_under_way(fresh_cluster: str) -> None:
    """Callers come at any time, many more than fit a batch, and none waits for another."""
    publisher = BatchPublisher(fresh_cluster, source="test", window=0.0)
    calls = []
    for number in range(600):
        calls.append(
            asyncio.create_task(publisher.publish(INBOUND, text(7 * number, body="x" * 1500)))
        )
        if number % 7 == 0:
            await asyncio.sleep(0.001)
    await asyncio.gather(*calls)
    await publisher.stop()
    assert await on_kafka(fresh_cluster) == [f"SM{7 * number}" for number in range(600)]


@pytest.mark.broker
async def test_records_that_come_together_travel_together(
    fresh_cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, sent = BatchPublisher(fresh_cluster, source="test"), list[int]()
    await publisher.start()
    producer = publisher._producer
    assert producer is not None
    send_batch = producer.send_batch

    async def noted(batch, topic, *, partition):  # type: ignore[no-untyped-def]
        sent.append(batch.record_count())
        return await send_batch(batch, topic, partition=partition)

    monkeypatch.setattr(producer, "send_batch", noted)
    assert await outcomes(publisher, *(text(n) for n in range(100))) == [""] * 100
    await publisher.stop()
    assert sum(sent) == 100
    assert len(sent) <= 4, "one for each partition"


@pytest.mark.broker
async def test_a_record_that_kafka_refuses_takes_no_other_down(
    hurtable_broker: EmbeddedBroker,
) -> None:
    """The topic takes batches of 2,000 bytes: the batch of all is refused, then each record has
    one of its own."""
    where = hurtable_broker.bootstrap
    async with admin_client(where) as client:
        small = NewTopic(INBOUND.name, 1, 1, topic_configs={"max.message.bytes": "2000"})
        await client.create_topics([small])
    publisher = BatchPublisher(where, source="test")
    messages = [text(n, body="x" * (5000 if n == 3 else 500)) for n in range(8)]
    errors = await outcomes(publisher, *messages)
    assert [number for number, why in enumerate(errors) if why] == [3]
    assert "refused" in errors[3]
    assert await outcomes(publisher, text(8)) == [""], "the producer that it broke is replaced"
    await publisher.stop()
    assert await on_kafka(where) == [f"SM{n}" for n in range(9) if n != 3]


async def test_a_record_too_large_for_any_broker_is_refused_at_once() -> None:
    publisher = BatchPublisher(nobody_listens().removeprefix("http://"), source="test")
    with pytest.raises(NotPublished, match="at most 1000000"):
        await publisher.publish(INBOUND, text(1, body="x" * LARGEST_RECORD))
    await publisher.stop()


@pytest.mark.broker
async def test_a_record_larger_than_a_batch_of_ours(fresh_cluster: str) -> None:
    publisher = BatchPublisher(fresh_cluster, source="test")
    messages = [text(7 * n, body="x" * (400_000 if n % 2 else 10)) for n in range(6)]
    assert await outcomes(publisher, *messages) == [""] * 6
    await publisher.stop()
    assert await on_kafka(fresh_cluster) == [f"SM{7 * n}" for n in range(6)]


async def test_without_kafka_every_caller_gets_an_error() -> None:
    publisher = BatchPublisher(nobody_listens().removeprefix("http://"), source="test", timeout=5)
    errors = await outcomes(publisher, *(text(n) for n in range(50)))
    assert all(why.startswith("No Kafka answers at 127.0.0.1") for why in errors)
    await publisher.stop()


@pytest.mark.broker
async def test_a_missing_topic_delays_no_other(hurtable_broker: EmbeddedBroker) -> None:
    where = hurtable_broker.bootstrap
    await apply(where, partitions=2, replication=1, topics=[INBOUND])
    publisher = BatchPublisher(where, source="test", timeout=3)
    missing = asyncio.create_task(publisher.publish(SEND_REQUESTS, request(1)))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(2.5):
        assert await outcomes(publisher, text(1)) == [""]
    with pytest.raises(NotPublished, match="did not confirm"):
        await missing
    await publisher.stop()


@pytest.mark.broker
async def test_kafka_goes_away_and_comes_back(hurtable_broker: EmbeddedBroker) -> None:
    """What is on its way is written when it is back; what waited behind that and was given up is
    not."""
    where = hurtable_broker.bootstrap
    await apply(where, partitions=1, replication=1, topics=[INBOUND])
    publisher = BatchPublisher(where, source="test", timeout=1.5)
    assert await outcomes(publisher, text(1)) == [""]
    os.kill(hurtable_broker.pid, signal.SIGSTOP)
    try:
        errors = await asyncio.gather(
            outcomes(publisher, *(text(n) for n in range(100, 120))),
            _later(publisher, range(200, 220)),
        )
        assert all("did not confirm within 1.5 s" in why for group in errors for why in group)
        assert not await publisher.is_reachable()
    finally:
        os.kill(hurtable_broker.pid, signal.SIGCONT)
    assert await outcomes(publisher, text(2)) == [""]
    await publisher.stop()
    assert await on_kafka(where) == ["SM1", *(f"SM{n}" for n in range(100, 120)), "SM2"]
    assert [len(queue.waiting) for queue in publisher._queues.values()] == [0]


async def _later(publisher: BatchPublisher, numbers: range) -> list[str]:
    await asyncio.sleep(0.3)
    return await outcomes(publisher, *(text(n) for n in numbers))


@pytest.mark.broker
async def test_a_killed_broker_comes_back(hurtable_broker: EmbeddedBroker) -> None:
    where = hurtable_broker.bootstrap
    await apply(where, partitions=1, replication=1, topics=[INBOUND])
    publisher = BatchPublisher(where, source="test", timeout=30)
    assert await outcomes(publisher, text(1)) == [""]
    os.kill(hurtable_broker.pid, signal.SIGKILL)
    await asyncio.to_thread(hurtable_broker.stop)
    waiting = asyncio.create_task(outcomes(publisher, *(text(n) for n in range(2, 12))))
    await asyncio.to_thread(hurtable_broker.start)
    assert await waiting == [""] * 10
    await publisher.stop()
    assert await on_kafka(where) == [f"SM{n}" for n in range(1, 12)]


@pytest.mark.broker
async def test_a_batch_fails_with_the_producer_it_waits_for(
    hurtable_broker: EmbeddedBroker,
) -> None:
    """Another partition broke the producer, and the broker does not answer: a batch must not
    wait for ever for a producer that is gone."""
    where = hurtable_broker.bootstrap
    await apply(where, partitions=1, replication=1, topics=[INBOUND])
    publisher = BatchPublisher(where, source="test", timeout=1)
    await publisher.start()
    os.kill(hurtable_broker.pid, signal.SIGSTOP)
    try:
        stuck = asyncio.create_task(outcomes(publisher, text(1)))
        await until(lambda: any(queue.sent for queue in publisher._queues.values()))
        broken, publisher._producer = publisher._producer, None
        assert broken is not None
        await publisher._close(broken)
        assert all(queue.sent is None and not queue.busy for queue in publisher._queues.values())
        [why] = await stuck
        assert why
    finally:
        os.kill(hurtable_broker.pid, signal.SIGCONT)
    assert await outcomes(publisher, text(2)) == [""]
    await publisher.stop()


@pytest.mark.broker
async def test_enough_records_end_a_window(fresh_cluster: str) -> None:
    publisher = BatchPublisher(fresh_cluster, source="test", timeout=20, windows={INBOUND.name: 60})
    async with asyncio.timeout(30):
        assert await outcomes(publisher, *(text(n) for n in range(ENOUGH))) == [""] * ENOUGH
    assert len(await on_kafka(fresh_cluster)) == ENOUGH
    await publisher.stop()


@pytest.mark.broker
async def test_stopping_waits_for_what_is_under_way(fresh_cluster: str) -> None:
    publisher = BatchPublisher(fresh_cluster, source="test", window=0.2)
    calls = asyncio.create_task(outcomes(publisher, *(text(n) for n in range(50))))
    await asyncio.sleep(0.05)
    await publisher.stop()
    assert await calls == [""] * 50
    assert len(await on_kafka(fresh_cluster)) == 50
    with pytest.raises(NotPublished, match="stopping"):
        await publisher.publish(INBOUND, text(1))


@pytest.mark.broker
async def test_stopping_waits_no_longer_than_it_may(hurtable_broker: EmbeddedBroker) -> None:
    where = hurtable_broker.bootstrap
    await apply(where, partitions=1, replication=1, topics=[INBOUND, DELIVERY_RECEIPTS])
    publisher = BatchPublisher(where, source="test", timeout=1)
    await publisher.start()
    os.kill(hurtable_broker.pid, signal.SIGSTOP)
    try:
        calls = asyncio.create_task(outcomes(publisher, *(text(n) for n in range(5))))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(publisher.stop(), 10)
        assert all(await calls)
    finally:
        os.kill(hurtable_broker.pid, signal.SIGCONT)
