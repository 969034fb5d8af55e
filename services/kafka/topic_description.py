"""What the cluster has of a topic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.kafka.errors import BrokerError

PATIENCE: Final = 30.0
"""Seconds."""
_SET_ON_THE_TOPIC: Final = 1
"""Where a setting's value comes from, in Kafka's numbers."""


class Described(NamedTuple):
    """`config`: what is set on the topic itself, not what it takes from the broker."""

    topic: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    led: bool
    """Whether every partition has a leader, without whom it can't be written."""


Cluster = Mapping[str, Described]
"""By name, the topics that exist."""


async def read(client: AIOKafkaAdminClient, names: Sequence[str]) -> Cluster:
    said = await client.describe_topics(list(names))
    shapes = {topic["topic"]: topic["partitions"] for topic in said if topic["error_code"] == 0}
    configs = await _configs(client, list(shapes)) if shapes else {}
    return {
        name: Described(
            name,
            len(shape),
            len(shape[0]["replicas"]),
            configs[name],
            all(part["leader"] >= 0 for part in shape),
        )
        for name, shape in shapes.items()
    }


async def until(
    client: AIOKafkaAdminClient, names: Sequence[str], true: Callable[[Cluster], bool]
) -> None:
    """Wait for what the controller has decided and the brokers have yet to hear.  Raises BrokerError."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not ((there := await read(client, names)).keys() == set(names) and true(there)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise BrokerError(
            f"The brokers have not taken up {', '.join(names)} within {PATIENCE:.0f} s; is every broker up?"
        ) from None


def led(there: Cluster) -> bool:
    return all(topic.led for topic in there.values())


async def _configs(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    answers = await client.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    return {
        name: {
            setting: value
            for setting, value, _, source, *_ in settings
            if source == _SET_ON_THE_TOPIC
        }
        for answer in answers
        for _, _, _, name, settings in answer.resources
    }
