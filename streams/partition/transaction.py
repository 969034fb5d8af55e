"""What one batch makes durable, and how a publication becomes the record that goes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.base import Message
from schemas.cloudevents import common_headers
from schemas.topics import Topic
from streams.partition.decoding import Record, partition_of
from streams.processing import Publication, StateStore

PartitionId = tuple[str, int]
"""Topic and partition."""
RecordContents = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value, headers."""
NO_HEADERS: Final[list[tuple[str, bytes]]] = []


class OutgoingRecord(NamedTuple):
    """One record, and the partition that its key calls for."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class CallResult:
    """What came of a call, for the entity key that asked for it."""

    entity_key: str
    value: Message


@dataclass(slots=True)
class Transaction:
    """Everything that one batch makes durable together, or not at all."""

    now: datetime
    serial: int
    """How many transactions this partition has had, this one included; part of each outgoing
    record's id."""
    work: deque[Any]
    """What is still to be evaluated: records, call results, timers' keys and so on (see
    `Evaluator`)."""
    positions: dict[str, int]
    """By topic, the offset of the next record to read once this is committed."""
    outgoing: dict[PartitionId, list[RecordContents]] = field(default_factory=dict)
    """Records that go out, in order within a partition."""
    outgoing_count: int = 0
    publications: list[tuple[Topic[Any], Message]] = field(default_factory=list)
    """What `outgoing` says, as messages; misplaced records that were filed again are not among
    them."""
    dirty: dict[tuple[str, str], StateStore] = field(default_factory=dict)
    """State entries that changed, by entity key and name."""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Calls, by entity key, that may begin once this is committed."""
    consumer_positions: dict[str, int] = field(default_factory=dict)
    """Where the consumer stands behind the last record, past the markers of transactions.
    Committed too: when retention removes the markers, the gap must not look like lost records."""
    last_records: dict[str, Record] = field(default_factory=dict)
    """By topic, the last record of this batch."""
    saves_positions: bool = False
    """Committed even if nothing else is in it: something is to be kept beside the positions."""
    standstills: list[str] = field(default_factory=list)
    """Topics that stand still from this batch on, or again after a start."""
    record_count: int = 0
    timer_count: int = 0
    dead_letter_count: int = 0
    """Without those of replayed records: staff may replay in error, and no producer has gone
    wrong."""
    unfinished: dict[str, StateStore] = field(default_factory=dict)
    """Entity keys for which `Processor.finish_batch` is still to be called."""
    fires_due_timers: bool = False
    """Timers that this batch sets for now, or for earlier, fire in this batch."""
    due_timers: list[bytes] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (
            self.record_count
            or self.timer_count
            or self.consumer_positions
            or self.saves_positions
            or self.outgoing
            or self.dirty
        )

    @property
    def outgoing_records(self) -> list[OutgoingRecord]:
        return [
            OutgoingRecord(topic, partition, key, value, headers)
            for (topic, partition), records in self.outgoing.items()
            for key, value, headers in records
        ]


class Route(NamedTuple):
    """How messages of one topic go out: all that is the same for each of them."""

    name: str
    partitions: int
    key: Callable[[Any], str]
    dump: Callable[[Any], bytes]
    envelope: tuple[tuple[str, bytes], ...]
    """The headers that CloudEvents wants in every record (binary mode), without the id."""


class RecordBuilder:
    """Adds publications to a transaction, as records with key, partition, bytes and headers."""

    def __init__(self, processor: str, partition: int, counts: Mapping[str, int]) -> None:
        """`counts`: the number of partitions by topic."""
        self._processor = processor
        self._counts = counts
        self._id_prefix = f"{processor}/{partition}/"
        self._serial = 0
        self._id_stem = b""
        self._routes: dict[str, Route] = {}

    def put(self, tx: Transaction, publications: tuple[Publication, ...]) -> None:
        """A record's CloudEvents id is its number among all that this partition ever published."""
        if tx.serial != self._serial:
            self._serial = tx.serial
            self._id_stem = f"{self._id_prefix}{tx.serial}/".encode()
        outgoing = tx.outgoing
        routes = self._routes
        number = tx.outgoing_count
        for topic, message in publications:
            name, partitions, key_of, dump, envelope = routes.get(topic.name) or self._route(topic)
            key = key_of(message).encode()
            headers = [*envelope, ("ce_id", b"%b%d" % (self._id_stem, number))]
            target = name, partition_of(key, partitions)
            records = outgoing.get(target)
            if records is None:
                records = outgoing[target] = []
            records.append((key, dump(message), headers))
            number += 1
        tx.outgoing_count = number

    def _route(self, topic: Topic[Any]) -> Route:
        route = self._routes[topic.name] = Route(
            topic.name,
            self._counts[topic.name],
            topic.key,
            topic.dump,
            common_headers(topic, self._processor),
        )
        return route
