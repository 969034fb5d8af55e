"""Which topic it is, and whether its log still holds what was read: by more than a name and an
offset.

Theory of operation

A topic that was deleted and created again has the old one's name.  If it holds as many records as
were read of the old one, its offsets say nothing either, and the new records would be passed over.
So the broker's topic id is kept beside each position (Kafka 2.8 and later gives every topic one).

A log can lose its end and grow again under the same id: an unclean leader election, or a disk that
was replaced.  So the last record that was read is kept as well, by its time and a checksum.  If
another record stands at its offset, the log is not the one that was read.

aiokafka knows Metadata up to version 5, and the topic id comes with version 10.  The request and
the answer are declared here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from streams.partition.changelog import LastRecord
from streams.runtime.cluster_health import send_to_any

READ_TIMEOUT: Final = 20.0
"""Seconds in which a broker must return records that it has."""


class Uuid(AbstractType[bytes]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


NO_ID: Final = bytes(16)
"""In a request: find the topic by its name.  In an answer: the broker knows no id."""


class MetadataResponse_v10(Response):  # type: ignore[misc]  # noqa: N801
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class MetadataRequest_v10(RequestStruct):  # type: ignore[misc]  # noqa: N801
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = MetadataResponse_v10
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicIdRequest(Request[MetadataRequest_v10]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[MetadataRequest_v10]) -> MetadataRequest_v10:
        topics: list[Any] = [(NO_ID, name, {}) for name in self._names]
        return request_struct_class(topics, False, False, False, {})


async def fetch_topic_ids(client: Any, names: Collection[str]) -> dict[str, str]:
    """The broker's id of each topic, in hex.  Left out: topics that do not exist, and all of them
    where the broker is older than topic ids.

    `client`: an AIOKafkaClient that has been started, such as a consumer's `_client`."""
    try:
        answer = await send_to_any(client, TopicIdRequest(names))
    except NotImplementedError:
        return {}
    found = {}
    for error, name, topic_id, *_ in answer.topics:
        if not error and topic_id != NO_ID:
            found[name] = topic_id.hex()
    return found


async def find_replaced(
    consumer: AIOKafkaConsumer,
    known: Mapping[TopicPartition, LastRecord],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> set[TopicPartition]:
    """The partitions whose log holds another record where the last one was read.

    A record that retention has taken, or that lies behind the end, is not looked for.  The
    consumer is assigned to what it looks for.  Raises KafkaTimeoutError."""
    wanted = {
        one: last
        for one, last in known.items()
        if starts.get(one, 0) <= last.offset < ends.get(one, 0)
    }
    if not wanted:
        return set()
    consumer.assign(list(wanted))
    for one, last in wanted.items():
        consumer.seek(one, last.offset)
    replaced: set[TopicPartition] = set()
    left = set(wanted)
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            while left:
                for one, records in (await consumer.getmany(*left, timeout_ms=300)).items():
                    left.discard(one)
                    if LastRecord.of(records[0]) != wanted[one]:
                        replaced.add(one)
                for one in list(left):  # only markers of transactions are left to read
                    if await consumer.position(one) >= ends[one]:
                        left.discard(one)
                        replaced.add(one)
    except TimeoutError:
        raise KafkaTimeoutError(
            f"{len(left)} partitions, such as {min(left)}, gave no record within {READ_TIMEOUT:g} s"
        ) from None
    return replaced
