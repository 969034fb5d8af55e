"""A Kafka admin client, and what it reads about topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError

from services.kafka import BrokerError
from services.kafka.security import security_options, unreachable_message
from streams.runtime.cluster_health import send_to_any

CHANGE_TIMEOUT: Final = 30.0
"""Seconds until every broker has heard of a change that the controller has decided."""
_SET_ON_TOPIC: Final = 1
"""Where a setting's value comes from, in Kafka's numbers."""


class AdminClient(AIOKafkaAdminClient):  # type: ignore[misc]  # aiokafka has no types
    """Asks another broker if the first one is away, where aiokafka asks one alone."""

    async def _send_request(self, request: Any, node_id: int | None = None) -> Any:
        if node_id is not None:
            return await self._client.send(node_id, request)
        return await send_to_any(self._client, request)


class TopicDescription(NamedTuple):
    topic: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    """What is set on the topic itself, without what it inherits from the broker."""
    has_leaders: bool
    """Whether every partition has a leader. Without one it cannot be written."""


Descriptions = Mapping[str, TopicDescription]
"""The topics that exist, by name."""


@asynccontextmanager
async def admin_client(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that closes with its block. Raises BrokerError when no broker answers."""
    client = AdminClient(bootstrap_servers=bootstrap, client_id="sayso-admin", **security_options())
    try:
        await client.start()
        yield client
    except KafkaConnectionError as error:
        raise BrokerError(
            f"{unreachable_message(bootstrap)}; check SAYSO_BOOTSTRAP, or run `sayso up` to have"
            " one."
        ) from error
    finally:
        await client.close()


async def read_topics(client: AIOKafkaAdminClient, names: Sequence[str]) -> Descriptions:
    response = await client.describe_topics(list(names))
    partitions = {
        topic["topic"]: topic["partitions"] for topic in response if topic["error_code"] == 0
    }
    configs = await _read_configs(client, list(partitions)) if partitions else {}
    return {
        name: TopicDescription(
            name,
            len(parts),
            len(parts[0]["replicas"]),
            configs[name],
            all(part["leader"] >= 0 for part in parts),
        )
        for name, parts in partitions.items()
    }


async def wait_for_topics(
    client: AIOKafkaAdminClient,
    names: Sequence[str],
    condition: Callable[[Descriptions], bool],
) -> None:
    """Until all of them exist and the condition holds. Raises BrokerError."""
    try:
        async with asyncio.timeout(CHANGE_TIMEOUT):
            while True:
                topics = await read_topics(client, names)
                if topics.keys() == set(names) and condition(topics):
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise BrokerError(
            f"The brokers have not taken up {', '.join(names)} within {CHANGE_TIMEOUT:.0f} s; is"
            " every broker up?"
        ) from None


def all_have_leaders(topics: Descriptions) -> bool:
    return all(topic.has_leaders for topic in topics.values())


async def _read_configs(
    client: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, str]]:
    responses = await client.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    )
    return {
        name: {
            setting: value for setting, value, _, source, *_ in settings if source == _SET_ON_TOPIC
        }
        for response in responses
        for _, _, _, name, settings in response.resources
    }
