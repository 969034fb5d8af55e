"""Kafka, as far as a partition task can tell: partitioned logs in memory, appended to in whole
transactions."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from schemas.base import Message
from schemas.topics import Topic
from streams.partition.decoding import partition_of


@dataclass(slots=True)
class Entry:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Log:
    """`partitions` of every topic; time is given by whoever appends, in milliseconds."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.entries: dict[tuple[str, int], list[Entry]] = defaultdict(list)

    def append(
        self,
        topic: str,
        partition: int,
        at_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Any = (),
    ) -> Entry:
        log = self.entries[topic, partition]
        entry = Entry(topic, partition, len(log), at_ms, key, value, list(headers))
        log.append(entry)
        return entry

    def publish(self, topic: Topic[Any], message: Message, at_ms: int) -> Entry:
        """As a well-behaved producer does."""
        key = topic.key(message).encode()
        value = topic.encode(message)
        return self.append(topic.name, partition_of(key, self.partitions), at_ms, key, value)

    def all(self, topic: Topic[Any]) -> list[Any]:
        """Every message of a topic, decoded, partition by partition."""
        found = itertools.chain.from_iterable(
            self.entries[topic.name, n] for n in range(self.partitions)
        )
        return [topic.decode(entry.value) for entry in found if entry.value is not None]
