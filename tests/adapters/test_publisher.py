"""Publishing through a broker's bad hours."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest

from schemas.send_request import SendRequest
from schemas.topics import SEND_REQUESTS
from services.kafka.publisher import NotPublished, Publisher
from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from streams.partition.decoding import partition_of
from tests.adapters.topics import records


def request(number: int) -> SendRequest:
    return SendRequest(
        message_id=f"m-{number}",
        tenant="acme",
        to=f"+1 (415) 555-{number:04d}",
        body="x",
        kind="direct",
        requested_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.mark.broker
async def test_keys_and_partitions_are_those_processors_expect(fresh_cluster: str) -> None:
    publisher = Publisher(fresh_cluster, source="test")
    await publisher.publish_all(SEND_REQUESTS, [request(n) for n in range(200)])
    await publisher.stop()
    found = await records(fresh_cluster, SEND_REQUESTS)
    assert len(found) == 200
    assert {one.key for one in found} == {f"acme/+1415555{n:04d}".encode() for n in range(200)}
    assert len({one.partition for one in found}) > 1
    assert all(one.partition == partition_of(one.key, 4) for one in found)


@pytest.mark.broker
async def test_a_stopped_broker_is_reported_and_its_return_noticed(
    hurtable_broker: EmbeddedBroker,
) -> None:
    await apply(hurtable_broker.bootstrap, partitions=1, replication=1, topics=[SEND_REQUESTS])
    publisher = Publisher(hurtable_broker.bootstrap, source="test", timeout=3)
    await publisher.publish(SEND_REQUESTS, request(1))
    os.kill(hurtable_broker.pid, signal.SIGSTOP)
    try:
        with pytest.raises(NotPublished, match="did not confirm"):
            await publisher.publish(SEND_REQUESTS, request(2))
        assert not await publisher.is_reachable()
    finally:
        os.kill(hurtable_broker.pid, signal.SIGCONT)
    await publisher.publish(SEND_REQUESTS, request(3))
    assert await publisher.is_reachable()
    await publisher.stop()
    found = await records(hurtable_broker.bootstrap, SEND_REQUESTS)
    came = [SEND_REQUESTS.decode(one.value).message_id for one in found]
    assert came == ["m-1", "m-2", "m-3"], (
        "what was not confirmed in time came all the same, in its order"
    )


@pytest.mark.broker
async def test_a_killed_broker_comes_back(hurtable_broker: EmbeddedBroker) -> None:
    await apply(hurtable_broker.bootstrap, partitions=1, replication=1, topics=[SEND_REQUESTS])
    publisher = Publisher(hurtable_broker.bootstrap, source="test", timeout=20)
    await publisher.publish(SEND_REQUESTS, request(1))
    os.kill(hurtable_broker.pid, signal.SIGKILL)
    await asyncio.to_thread(hurtable_broker.stop)
    await asyncio.to_thread(hurtable_broker.start)
    await publisher.publish(SEND_REQUESTS, request(2))
    os.kill(hurtable_broker.pid, signal.SIGKILL)
    await asyncio.wait_for(publisher.stop(), 60)


@pytest.mark.broker
async def test_stopping_does_not_wait_for_a_broker_that_is_gone(
    hurtable_broker: EmbeddedBroker,
) -> None:
    await apply(hurtable_broker.bootstrap, partitions=1, replication=1, topics=[SEND_REQUESTS])
    publisher = Publisher(hurtable_broker.bootstrap, source="test", timeout=1)
    await publisher.start()
    os.kill(hurtable_broker.pid, signal.SIGKILL)
    with pytest.raises(NotPublished):
        await publisher.publish(SEND_REQUESTS, request(1))
    await asyncio.wait_for(publisher.stop(), 60)
