"""Which brokers answer, and which partitions have too few copies because others do not.

Metadata alone does not tell: brokers that have lost their controllers go on saying that all is
well.  So every broker that is named is asked, on a connection of its own, and a copy counts only if
its broker answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import BrokerMetadata

PATIENCE: Final = 3.0
"""Seconds in which a broker that lives answers."""


class PartitionHealth(NamedTuple):
    topic: str
    partition: int
    leader: int
    """-1: none."""
    copies: tuple[int, ...]
    """The brokers that ought to have one."""
    in_sync: tuple[int, ...]
    """Those that have all of it, and answer."""

    @property
    def is_under_replicated(self) -> bool:
        return len(self.in_sync) < len(self.copies)

    def is_below(self, min_insync: int) -> bool:
        """Whether nothing can be written to it."""
        return self.leader < 0 or len(self.in_sync) < min(min_insync, len(self.copies))

    @property
    def name(self) -> str:
        return f"{self.topic}-{self.partition}"


class ClusterHealth(NamedTuple):
    answering: Mapping[int, str]
    """Address by broker."""
    silent: Mapping[int, str]
    """The same, of those that were asked and of those that only copies speak of."""
    partitions: Sequence[PartitionHealth]

    def describe_silent(self) -> str:
        """Which brokers do not answer, in words."""
        names = [
            f"broker {number}{f' ({where})' if where else ''}"
            for number, where in sorted(self.silent.items())
        ]
        return f"{' and '.join(names)} {'does' if len(names) == 1 else 'do'} not answer"


async def send_to_any(client: AIOKafkaClient, request: Any) -> Any:
    """Ask one broker after the other until one answers: the one that aiokafka would choose may be
    the one that is away.  For requests that may be repeated.  Raises KafkaError."""
    failed: KafkaError | None = None
    for number in _shuffled(client):
        try:
            return await client.send(number, request)
        except KafkaError as error:
            failed = error
    raise failed or NodeNotReadyError("no broker is known")


async def read_health(
    client: AIOKafkaClient, topics: Collection[str] | None = None, patience: float = PATIENCE
) -> ClusterHealth:
    """Of these topics, or of all.  Raises KafkaError or TimeoutError if no broker answers within
    twice `patience` seconds.

    `client`: one that was started, such as a consumer's `_client`."""
    known = {broker.nodeId: broker for broker in client.cluster.brokers()}
    answers = await _ask_all(client, known, topics, patience)
    addresses = {number: f"{broker.host}:{broker.port}" for number, broker in known.items()}
    fresh = {
        broker["node_id"]: BrokerMetadata(broker["node_id"], broker["host"], broker["port"], None)
        for answer in answers.values()
        for broker in answer["brokers"]
        if broker["node_id"] not in known
    }
    addresses |= {number: f"{broker.host}:{broker.port}" for number, broker in fresh.items()}
    answering = answers | await _ask_all(client, fresh, topics, patience)
    if not answering:
        raise NodeNotReadyError("no broker answers")
    # One that was cut off may know less than the others.
    freshest = max(answering.values(), key=lambda answer: len(answer["brokers"]))
    parts = list(_read_partitions(freshest["topics"], set(answering)))
    named = {*addresses, *(number for part in parts for number in part.copies)}
    return ClusterHealth(
        {number: addresses[number] for number in sorted(answering)},
        {number: addresses.get(number, "") for number in sorted(named - answering.keys())},
        parts,
    )


async def _ask_all(
    client: AIOKafkaClient,
    brokers: Mapping[int, Any],
    topics: Collection[str] | None,
    patience: float,
) -> dict[int, Any]:
    """The answers of those that answer."""
    asked = [_ask(client, broker, topics, patience) for broker in brokers.values()]
    answers = zip(brokers, await asyncio.gather(*asked), strict=True)
    return {number: answer for number, answer in answers if answer is not None}


async def _ask(
    client: AIOKafkaClient, broker: Any, topics: Collection[str] | None, patience: float
) -> Any:
    """Its metadata; None if it does not answer.  aiokafka opens its own connections one after the
    other, so that a broker that hangs would make the others look dead."""
    connection = None
    try:
        async with asyncio.timeout(patience):
            connection = await create_conn(
                broker.host,
                broker.port,
                client_id=client._client_id,
                request_timeout_ms=int(patience * 1000),
                ssl_context=client._ssl_context,
                security_protocol=client._security_protocol,
                sasl_mechanism=client._sasl_mechanism,
                sasl_plain_username=client._sasl_plain_username,
                sasl_plain_password=client._sasl_plain_password,
            )
            wanted = MetadataRequest(None if topics is None else list(topics))
            return (await connection.send(wanted)).to_object()
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        if connection is not None:
            connection.close()


def _read_partitions(topics: Any, answering: set[int]) -> Iterable[PartitionHealth]:
    for topic in topics:
        for part in topic["partitions"]:
            leader = part["leader"]
            yield PartitionHealth(
                topic["topic"],
                part["partition"],
                leader if leader in answering else -1,
                tuple(sorted(part["replicas"])),
                tuple(sorted(set(part["isr"]) & answering)),
            )


def _shuffled(client: AIOKafkaClient) -> list[int]:
    first = client.get_random_node()
    others = [broker.nodeId for broker in client.cluster.brokers() if broker.nodeId != first]
    return others if first is None else [first, *others]
