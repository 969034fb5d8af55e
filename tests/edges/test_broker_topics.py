"""Topic administration against a real broker."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import DEAD_LETTERS, EVERY_TOPIC, SENDERS
from services.broker import BrokerError
from services.broker.admin import admin
from services.broker.described import until
from services.broker.topics import Change, apply, describe

pytestmark = pytest.mark.broker


async def test_every_topic_is_there_as_declared(fresh_cluster: str) -> None:
    found = {topic.topic: topic for topic in await describe(fresh_cluster)}
    assert list(found) == [topic.name for topic in EVERY_TOPIC]
    for topic in EVERY_TOPIC:
        assert found[topic.name].partitions == topic.partitions(4)
        assert found[topic.name].replication == 1
        assert found[topic.name].config == topic.config(replication=1)


async def test_applying_again_changes_nothing(fresh_cluster: str) -> None:
    assert await apply(fresh_cluster, partitions=4, replication=1) == []


async def test_a_changed_setting_is_corrected_and_others_are_left(fresh_cluster: str) -> None:
    theirs = {**DEAD_LETTERS.config(replication=1), "retention.ms": "1000", "segment.bytes": "1048576"}
    async with admin(fresh_cluster) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, DEAD_LETTERS.name, theirs)])
        await until(client, [DEAD_LETTERS.name], lambda there: there[DEAD_LETTERS.name].config == theirs)
    kept = str(35 * 86_400_000)
    assert await apply(fresh_cluster, partitions=4, replication=1) == [
        Change(DEAD_LETTERS.name, "corrected", f"retention.ms 1000 -> {kept}")
    ]
    (now,) = await describe(fresh_cluster, [DEAD_LETTERS])
    assert now.config == {**DEAD_LETTERS.config(replication=1), "segment.bytes": "1048576"}


async def test_another_partition_count_is_told_and_left(fresh_cluster: str) -> None:
    async with admin(fresh_cluster) as client:
        await client.create_partitions({SENDERS.name: NewPartitions(3)})
        await until(client, [SENDERS.name], lambda there: there[SENDERS.name].partitions == 3)
    (change,) = await apply(fresh_cluster, partitions=4, replication=1)
    assert change == Change(
        SENDERS.name, "differs", "3 partitions, 1 wanted: left alone, as keys and rows would part"
    )
    (now,) = await describe(fresh_cluster, [SENDERS])
    assert now.partitions == 3


async def test_a_missing_topic_is_created_beside_those_that_are_there(fresh_cluster: str) -> None:
    another = replace(SENDERS, name="sms.another", keep=timedelta(hours=1))
    changes = await apply(fresh_cluster, partitions=4, replication=1, topics=[SENDERS, another])
    assert changes == [Change("sms.another", "created", "1 partitions, replication 1")]


async def test_more_replicas_than_brokers_is_one_sentence(fresh_cluster: str) -> None:
    another = replace(SENDERS, name="sms.another")
    with pytest.raises(BrokerError, match=r"^Kafka refused to create topic sms\.another: .*SAYSO_REPLICATION\)\.$"):
        await apply(fresh_cluster, partitions=4, replication=3, topics=[another])


async def test_nobody_answers_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BrokerError, match=rf"^No Kafka answers at {nowhere}; check SAYSO_BOOTSTRAP"):
            await apply(nowhere, partitions=1, replication=1)


async def test_make_topic_gives_a_topic_of_ones_own(bootstrap: str, make_topic) -> None:
    first, second = await make_topic("kit", cleanup_policy="compact"), await make_topic("kit", partitions=1)
    async with admin(bootstrap) as client:
        shapes = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics([first, second])}
    assert shapes == {first: 4, second: 1}
