"""A command that publishes asks Kafka once for each thing that it needs to know."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import CONSENT_EVENTS, SEND_REQUESTS, SENDERS
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from tests.adapters.settled import settled

pytestmark = pytest.mark.broker


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many clients of each kind were started."""
    counts: Counter[str] = Counter()
    for kind in (AIOKafkaAdminClient, AIOKafkaConsumer, AIOKafkaProducer):
        start = kind.start

        async def count(self: Any, start: Any = start) -> None:
            counts[type(self).__name__.removeprefix("AIOKafka")] += 1
            await start(self)

        monkeypatch.setattr(kind, "start", count)
    return counts


async def test_what_needs_no_tenant_needs_one_client(
    fresh_cluster: str, started: Counter[str]
) -> None:
    async with Session(fresh_cluster) as kafka:
        await kafka.publish(SENDERS, [])
        await kafka.publish(SEND_REQUESTS, [])
    assert started == {"Producer": 1}


async def test_topics_and_tenants_are_asked_for_once(
    fresh_cluster: str, started: Counter[str]
) -> None:
    await settled(fresh_cluster, "acme")
    started.clear()
    async with Session(fresh_cluster) as kafka:
        for _ in range(3):
            await kafka.require_tenants("acme")
            await kafka.publish(CONSENT_EVENTS, [])
        with pytest.raises(InvalidRequest, match="no tenant 'acne'"):
            await kafka.require_tenants("acne")
    assert started == {"AdminClient": 1, "Consumer": 1, "Producer": 1}


async def test_a_topic_that_is_missing_is_named_and_not_made(fresh_cluster: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=fresh_cluster)
    await admin.start()
    await admin.delete_topics([SEND_REQUESTS.name])
    while SEND_REQUESTS.name in await admin.list_topics():
        pass
    async with Session(fresh_cluster) as kafka:
        with pytest.raises(OperationFailed, match=f"does not have {SEND_REQUESTS.name}"):
            await kafka.publish(SEND_REQUESTS, [])
    assert SEND_REQUESTS.name not in await admin.list_topics()
    await admin.close()
