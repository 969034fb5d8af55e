"""Make the cluster's topics what `schemas.topics` declares: `sayso topics apply`.

Missing topics are created, and settings that differ are corrected. Settings that we do not declare
stay as the operators made them.

A partition count that differs is reported and left. With another count keys land elsewhere, and the
state and the positions of the processors, which live per partition, would not follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from schemas.topics import EVERY_TOPIC, Topic
from services.kafka import BrokerError
from services.kafka.admin import (
    Descriptions,
    TopicDescription,
    admin_client,
    all_have_leaders,
    read_topics,
    wait_for_topics,
)

MAIL_GROUP: Final = "sayso.notify"
"""The consumer group of the mails to staff: the only one whose positions are those that Kafka
keeps."""

_ALREADY_EXISTS: Final = 36
"""An error code of Kafka's."""


class Change(NamedTuple):
    topic: str
    did: Literal["created", "corrected", "differs"]
    """`differs`: left as it is, because only a person can decide what becomes of the records."""
    what: str


async def apply(
    bootstrap: str, *, partitions: int, replication: int, topics: Iterable[Topic[Any]] = EVERY_TOPIC
) -> list[Change]:
    """Returns what had to be done; empty when all was right. Raises BrokerError."""
    declared = list(topics)
    async with admin_client(bootstrap) as client:
        actual = await read_topics(client, [topic.name for topic in declared])
        missing = [topic for topic in declared if topic.name not in actual]
        present = [topic for topic in declared if topic.name in actual]
        created = await _create(client, missing, partitions, replication)
        corrected = await _correct(client, present, actual, replication)
    return [*created, *corrected, *_differences(present, actual, partitions, replication)]


async def describe(
    bootstrap: str, topics: Iterable[Topic[Any]] = EVERY_TOPIC
) -> list[TopicDescription]:
    """Those that exist, in the order given. Raises BrokerError."""
    names = [topic.name for topic in topics]
    async with admin_client(bootstrap) as client:
        actual = await read_topics(client, names)
    return [actual[name] for name in names if name in actual]


async def _create(
    client: AIOKafkaAdminClient, topics: list[Topic[Any]], partitions: int, replication: int
) -> list[Change]:
    if not topics:
        return []
    new = [
        NewTopic(
            topic.name,
            topic.partitions(partitions),
            replication,
            topic_configs=topic.config(replication=replication),
        )
        for topic in topics
    ]
    response = await client.create_topics(new)
    for name, code, message in response.topic_errors:
        if code not in {0, _ALREADY_EXISTS}:
            raise _refusal(name, "create", code, message)
    await wait_for_topics(client, [topic.name for topic in topics], all_have_leaders)
    return [
        Change(one.name, "created", f"{one.num_partitions} partitions, replication {replication}")
        for one in new
    ]


async def _correct(
    client: AIOKafkaAdminClient, topics: list[Topic[Any]], actual: Descriptions, replication: int
) -> list[Change]:
    """Kafka replaces a topic's settings as a whole, so what operators set is sent along."""
    changes = []
    corrected = {}
    for topic in topics:
        current = actual[topic.name].config
        declared = topic.config(replication=replication)
        wrong = {name: value for name, value in declared.items() if current.get(name) != value}
        if wrong:
            what = ", ".join(
                f"{name} {current.get(name, 'unset')} -> {value}" for name, value in wrong.items()
            )
            changes.append(Change(topic.name, "corrected", what))
            corrected[topic.name] = {**current, **declared}
    if corrected:
        await _alter(client, corrected)
    return changes


async def _alter(client: AIOKafkaAdminClient, settings: Mapping[str, dict[str, str]]) -> None:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, config) for name, config in settings.items()
    ]
    for response in await client.alter_configs(resources):
        for code, message, _, name in response.resources:
            if code:
                raise _refusal(name, "change", code, message)
    await wait_for_topics(
        client,
        list(settings),
        lambda topics: all(topics[name].config == settings[name] for name in settings),
    )


def _differences(
    topics: list[Topic[Any]], actual: Descriptions, partitions: int, replication: int
) -> list[Change]:
    changes = []
    for topic in topics:
        current = actual[topic.name]
        wanted = topic.partitions(partitions)
        if current.partitions != wanted:
            what = (
                f"{current.partitions} partitions, {wanted} wanted: left alone, as keys would land"
                " elsewhere than their state"
            )
            changes.append(Change(topic.name, "differs", what))
        if current.replication != replication:
            what = (
                f"replication {current.replication}, {replication} wanted: reassign its partitions"
                " with Kafka's tools"
            )
            changes.append(Change(topic.name, "differs", what))
    return changes


def _refusal(topic: str, what: str, code: int, message: str | None) -> BrokerError:
    why = message or for_code(code).description
    return BrokerError(
        f"Kafka refused to {what} topic {topic}: {why.rstrip('.')} (see SAYSO_REPLICATION)."
    )
