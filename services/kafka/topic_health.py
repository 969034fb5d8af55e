"""Which topics have too few copies in sync: what stands behind most errors of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from services.kafka import BrokerError
from services.kafka.admin import admin_client
from services.kafka.security import unreachable_message
from streams.runtime.cluster_health import ClusterHealth, PartitionHealth, read_health

MIN_INSYNC: Final = "min.insync.replicas"
WATCH_EVERY: Final = 5.0
"""Seconds between two looks."""
REPLICATED: Final = 3
"""Copies from which on our topics want two in sync."""


class TopicHealth(NamedTuple):
    """Partitions by number. An `under_replicated` one has fewer copies than it ought to; one below
    `min.insync.replicas` takes no records."""

    topic: str
    min_insync: int
    under_replicated: tuple[int, ...]
    below_min_insync: tuple[int, ...]


class Health(NamedTuple):
    cluster: ClusterHealth
    topics: Mapping[str, TopicHealth]

    @property
    def is_good(self) -> bool:
        return not self.cluster.silent and not any(
            topic.under_replicated for topic in self.topics.values()
        )

    @property
    def below_min_insync(self) -> list[str]:
        """Partitions that take no records, as `topic-3`."""
        return [
            f"{topic.topic}-{number}"
            for topic in self.topics.values()
            for number in topic.below_min_insync
        ]


async def read_topic_health(bootstrap: str) -> Health:
    """Of all topics that there are, Kafka's own too. Raises BrokerError."""
    async with admin_client(bootstrap) as client:
        try:
            cluster = await read_health(client._client)
        except (KafkaError, TimeoutError):
            raise BrokerError(f"{unreachable_message(bootstrap)}.") from None
        parts: dict[str, list[PartitionHealth]] = {}
        for part in cluster.partitions:
            parts.setdefault(part.topic, []).append(part)
        wanted = await _read_min_insync(client, list(parts)) if parts else {}
    return Health(
        cluster, {topic: _judge(topic, found, wanted.get(topic)) for topic, found in parts.items()}
    )


def describe_health(health: Health) -> list[str]:
    """Sentences on what is wrong; none if nothing is."""
    said = []
    if health.cluster.silent:
        said.append(f"{health.cluster.describe_silent().capitalize()}.")
    if below := health.below_min_insync:
        said.append(
            f"No record can be written to {_listed(below)}: fewer copies than"
            " min.insync.replicas are in sync, or none leads."
        )
    under = sum(len(topic.under_replicated) for topic in health.topics.values())
    if under:
        said.append(f"{under} partitions of {len(health.cluster.partitions)} lack copies in sync.")
    return said


async def watch_health(bootstrap: str, say: Callable[[str], None]) -> None:
    """Say it once when brokers stop to answer, copies get too few, or all is well again."""
    before: tuple[object, ...] = (frozenset(), False)
    while True:
        await asyncio.sleep(WATCH_EVERY)
        try:
            health = await read_topic_health(bootstrap)
        except (BrokerError, KafkaError, OSError) as error:
            now: tuple[object, ...] = (str(error),)
            words = str(error)
        else:
            now = (frozenset(health.cluster.silent), bool(health.below_min_insync))
            words = " ".join(describe_health(health)) or "All brokers answer again."
        if now != before:
            say(f"Kafka: {words}")
        before = now


def _listed(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _judge(topic: str, parts: list[PartitionHealth], min_insync: int | None) -> TopicHealth:
    """Where the setting cannot be read, it is taken to be what we declare."""
    copies = max(len(part.copies) for part in parts)
    wanted = min_insync or (2 if copies >= REPLICATED else 1)
    return TopicHealth(
        topic,
        wanted,
        tuple(sorted(part.partition for part in parts if part.is_under_replicated)),
        tuple(sorted(part.partition for part in parts if part.is_below(wanted))),
    )


async def _read_min_insync(client: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    """By topic; empty where we may not ask."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, {MIN_INSYNC: None}) for name in topics]
    try:
        responses = await client.describe_configs(asked)
    except KafkaError:
        return {}
    return {
        name: int(value)
        for response in responses
        for _, _, _, name, settings in response.resources
        for setting, value, *_ in settings
        if setting == MIN_INSYNC
    }
