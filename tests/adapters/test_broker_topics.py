"""Topic administration against a real broker."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import DEAD_LETTERS, EVERY_TOPIC, SENDERS, Topic
from services.kafka.admin import admin_client, wait_for_topics
from services.kafka.topics import Change, apply, describe
from services.local.broker import BrokerError
from tests.broker_fixtures import MakeTopic

pytestmark = pytest.mark.broker

Topics = dict[str, Topic[Any]]
"""By the name they are declared under."""


@pytest.fixture
async def topics(bootstrap: str) -> AsyncIterator[Topics]:
    """Every topic as declared, under a name of this test's own; not created."""
    prefix = uuid.uuid4().hex[:8]
    topics = {topic.name: replace(topic, name=f"{prefix}.{topic.name}") for topic in EVERY_TOPIC}
    yield topics
    names = [topic.topic for topic in await describe(bootstrap, topics.values())]
    if names:
        async with admin_client(bootstrap) as client:
            await client.delete_topics(names)


async def test_smoke_every_topic_is_made_as_declared(bootstrap: str, topics: Topics) -> None:
    changes = await apply(bootstrap, partitions=4, replication=1, topics=topics.values())
    assert [change.did for change in changes] == ["created"] * len(EVERY_TOPIC)
    found = await describe(bootstrap, topics.values())
    assert [
        (topic.topic, topic.partitions, topic.replication, topic.config) for topic in found
    ] == [
        (topic.name, topic.partitions(4), 1, topic.config(replication=1))
        for topic in topics.values()
    ]
    assert await apply(bootstrap, partitions=4, replication=1, topics=topics.values()) == []


async def test_the_fresh_cluster_has_every_topic_and_no_other(fresh_cluster: str) -> None:
    assert [topic.topic for topic in await describe(fresh_cluster)] == [
        topic.name for topic in EVERY_TOPIC
    ]
    async with admin_client(fresh_cluster) as client:
        theirs = {"__consumer_offsets", "__transaction_state"}
        assert set(await client.list_topics()) - theirs == {topic.name for topic in EVERY_TOPIC}


async def test_a_changed_setting_is_corrected_and_others_are_left(
    bootstrap: str, topics: Topics
) -> None:
    topic = topics[DEAD_LETTERS.name]
    await apply(bootstrap, partitions=4, replication=1, topics=[topic])
    theirs = {**topic.config(replication=1), "retention.ms": "1000", "segment.bytes": "1048576"}
    async with admin_client(bootstrap) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, theirs)])
        await wait_for_topics(
            client, [topic.name], lambda there: there[topic.name].config == theirs
        )
    assert await apply(bootstrap, partitions=4, replication=1, topics=[topic]) == [
        Change(topic.name, "corrected", "retention.ms 1000 -> 3024000000")
    ]
    (now,) = await describe(bootstrap, [topic])
    assert now.config == {**topic.config(replication=1), "segment.bytes": "1048576"}


async def test_another_partition_count_is_reported_and_left(bootstrap: str, topics: Topics) -> None:
    topic = topics[SENDERS.name]
    await apply(bootstrap, partitions=4, replication=1, topics=[topic])
    async with admin_client(bootstrap) as client:
        await client.create_partitions({topic.name: NewPartitions(3)})
        await wait_for_topics(client, [topic.name], lambda there: there[topic.name].partitions == 3)
    assert await apply(bootstrap, partitions=4, replication=1, topics=[topic]) == [
        Change(
            topic.name,
            "differs",
            "3 partitions, 1 wanted: left alone, as keys would land elsewhere than their state",
        )
    ]
    (now,) = await describe(bootstrap, [topic])
    assert now.partitions == 3


async def test_a_missing_topic_is_created_beside_existing_ones(
    bootstrap: str, topics: Topics
) -> None:
    there, missing = topics[DEAD_LETTERS.name], topics[SENDERS.name]
    await apply(bootstrap, partitions=4, replication=1, topics=[there])
    assert await apply(bootstrap, partitions=4, replication=1, topics=[there, missing]) == [
        Change(missing.name, "created", "1 partitions, replication 1")
    ]


async def test_more_replicas_than_brokers_is_one_sentence(fresh_cluster: str) -> None:
    another = replace(SENDERS, name="another")
    with pytest.raises(
        BrokerError, match=r"^Kafka refused to create topic another: .*SAYSO_REPLICATION\)\.$"
    ):
        await apply(fresh_cluster, partitions=4, replication=3, topics=[another])


async def test_nobody_answers_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            BrokerError, match=rf"^No Kafka answers at {nowhere}; check SAYSO_BOOTSTRAP"
        ):
            await apply(nowhere, partitions=1, replication=1)


async def test_make_topic_gives_a_topic_of_ones_own(bootstrap: str, make_topic: MakeTopic) -> None:
    first, second = (
        await make_topic("kit", cleanup_policy="compact"),
        await make_topic("kit", partitions=1),
    )
    async with admin_client(bootstrap) as client:
        shapes = {
            t["topic"]: len(t["partitions"]) for t in await client.describe_topics([first, second])
        }
    assert shapes == {first: 4, second: 1}
