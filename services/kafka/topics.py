"""Make the cluster's topics what `schemas.topics` declares: `sayso topics apply`.

Missing ones are created and settings that differ corrected; settings that we declare nothing about stay as the
operators made them.  A partition count that differs is told and left: with another count keys land elsewhere, and the
rows and positions of the rooms, which live per partition, would not follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from schemas.topics import EVERY_TOPIC, Topic
from services.kafka.admin import admin
from services.kafka.errors import BrokerError
from services.kafka.topic_description import Cluster, Described, led, read, until

_ALREADY_EXISTS: Final = 36


class Change(NamedTuple):
    """`differs`: left as it is, because only a person can decide what becomes of the records."""

    topic: str
    did: Literal["created", "corrected", "differs"]
    what: str


async def apply(
    bootstrap: str, *, partitions: int, replication: int, topics: Iterable[Topic[Any]] = EVERY_TOPIC
) -> list[Change]:
    """What had to be done; empty when all was right.  Raises BrokerError."""
    wanted = list(topics)
    async with admin(bootstrap) as client:
        there = await read(client, [topic.name for topic in wanted])
        missing = [topic for topic in wanted if topic.name not in there]
        present = [topic for topic in wanted if topic.name in there]
        created = await _create(client, missing, partitions, replication)
        corrected = await _correct(client, present, there, replication)
    return [*created, *corrected, *_differences(present, there, partitions, replication)]


async def describe(bootstrap: str, topics: Iterable[Topic[Any]] = EVERY_TOPIC) -> list[Described]:
    """Those that exist, in the order given.  Raises BrokerError."""
    wanted = list(topics)
    async with admin(bootstrap) as client:
        there = await read(client, [topic.name for topic in wanted])
    return [there[topic.name] for topic in wanted if topic.name in there]


async def _create(
    client: AIOKafkaAdminClient, topics: list[Topic[Any]], partitions: int, replication: int
) -> list[Change]:
    if not topics:
        return []
    new = [
        NewTopic(
            t.name,
            t.partitions(partitions),
            replication,
            topic_configs=t.config(replication=replication),
        )
        for t in topics
    ]
    answer = await client.create_topics(new)
    for topic, code, message in answer.topic_errors:
        if code not in {0, _ALREADY_EXISTS}:
            raise _refused(topic, "create", code, message)
    await until(client, [topic.name for topic in topics], led)
    return [
        Change(n.name, "created", f"{n.num_partitions} partitions, replication {replication}")
        for n in new
    ]


async def _correct(
    client: AIOKafkaAdminClient, topics: list[Topic[Any]], there: Cluster, replication: int
) -> list[Change]:
    """Kafka replaces a topic's settings as a whole, so what others set goes along."""
    changes, settings = [], {}
    for topic in topics:
        have, want = there[topic.name].config, topic.config(replication=replication)
        if wrong := {name: value for name, value in want.items() if have.get(name) != value}:
            what = ", ".join(
                f"{name} {have.get(name, 'unset')} -> {value}" for name, value in wrong.items()
            )
            changes.append(Change(topic.name, "corrected", what))
            settings[topic.name] = {**have, **want}
    if settings:
        await _alter(client, settings)
    return changes


async def _alter(client: AIOKafkaAdminClient, settings: Mapping[str, dict[str, str]]) -> None:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, config) for name, config in settings.items()
    ]
    for answer in await client.alter_configs(resources):
        for code, message, _, name in answer.resources:
            if code:
                raise _refused(name, "change", code, message)
    await until(
        client, list(settings), lambda there: all(there[n].config == settings[n] for n in settings)
    )


def _differences(
    topics: list[Topic[Any]], there: Cluster, partitions: int, replication: int
) -> list[Change]:
    changes = []
    for topic in topics:
        have, want = there[topic.name], topic.partitions(partitions)
        if have.partitions != want:
            what = f"{have.partitions} partitions, {want} wanted: left alone, as keys and rows would part"
            changes.append(Change(topic.name, "differs", what))
        if have.replication != replication:
            what = f"replication {have.replication}, {replication} wanted: reassign its partitions with Kafka's tools"
            changes.append(Change(topic.name, "differs", what))
    return changes


def _refused(topic: str, what: str, code: int, message: str | None) -> BrokerError:
    why = message or for_code(code).description
    return BrokerError(
        f"Kafka refused to {what} topic {topic}: {why.rstrip('.')} (see SAYSO_REPLICATION)."
    )
