"""A ledger without a broker: records written to its file as if they had been read from Kafka."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from schemas.base import Message
from schemas.topics import TOPICS, Topic
from services.ledger.ledger import FILE, Ledger
from services.ledger.projection import Partition, Record, parse
from services.ledger.store import Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEGIN_MS = 1_700_000_000_000

Value = Message | dict[str, Any] | bytes | None


def make_record(
    topic: Topic[Any],
    offset: int,
    value: Value,
    key: bytes = b"k",
    partition: int = 0,
    at_ms: int | None = None,
) -> Record:
    """A message brings its own key; a dict becomes JSON, unchecked."""
    if value is None or isinstance(value, bytes):
        raw = value
    elif isinstance(value, dict):
        raw = orjson.dumps(value)
    else:
        key = topic.key(value).encode()
        raw = topic.encode(value)
    at_ms = BEGIN_MS + offset if at_ms is None else at_ms
    return Record(Partition(topic.name, partition), offset, at_ms, key, raw)


def apply_records(store: Store, *records: Record) -> int:
    """As one batch. Returns how many were new."""
    reached = {one.partition: one.offset + 1 for one in records}
    return store.apply([parse(one) for one in records], reached, store.meta("generation"))


class LedgerFiller:
    """A ledger's file, to which records are added in order, each at the next offset of its
    topic."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.ledger = Ledger(self.store)
        self._offsets: Counter[str] = Counter()

    def begin_at(self, offset: int) -> None:
        """Of each topic, behind what is in the file already."""
        self._offsets = Counter(dict.fromkeys((topic.name for topic in TOPICS), offset))

    def add(self, topic: Topic[Any], value: Value) -> None:
        self._offsets[topic.name] += 1
        self.apply(make_record(topic, self._offsets[topic.name], value))

    def apply(self, *records: Record) -> int:
        return apply_records(self.store, *records)


def fill_ledger(folder: Path, *messages: tuple[Topic[Any], Value], at: datetime = NOON) -> None:
    """Each message at the offset of its index in the list, a millisecond after the one before."""
    filler = LedgerFiller(folder / FILE)
    first = round(at.timestamp() * 1000)
    records = [
        make_record(topic, offset, value, at_ms=first + offset)
        for offset, (topic, value) in enumerate(messages)
    ]
    filler.apply(*records)
    filler.ledger.close()
