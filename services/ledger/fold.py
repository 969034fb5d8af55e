"""Records into rows: what a batch of Kafka records means for the tables.  Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.base import Message
from schemas.topics import BY_NAME
from services.ledger.ddl import bury, upsert
from services.ledger.tables import BY_TOPIC, TABLES, Table

LARGEST = 64 << 10
"""Bytes of a value kept as it came; of a larger one every long string is cut to `LONGEST` characters."""
LONGEST = 4000

_UPSERT = {table.name: upsert(table) for table in TABLES}
_BURY = {table.name: bury(table) for table in TABLES if table.latest}
_TOO_LARGE = "a number in it is larger than 64 bits"
_UNREADABLE = "INSERT INTO unreadable VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Place(NamedTuple):
    topic: str
    partition: int


class Entry(NamedTuple):
    """A record as read.  `at_ms`: milliseconds since 1970, UTC."""

    place: Place
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None


class Read(NamedTuple):
    """An entry and what it says: a message, None for a tombstone, or why it cannot be read."""

    entry: Entry
    message: Message | None
    why: str = ""


def read(entry: Entry) -> Read:
    if entry.value is None:
        return Read(entry, None)
    try:
        return Read(entry, BY_NAME[entry.place.topic].decode(entry.value))
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        return Read(entry, None, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:300])


def statements(batch: Iterable[Read]) -> dict[str, list[tuple[Any, ...]]]:
    """SQL and its rows: upserts before burials, each in the order of the records.  Where a table keeps the latest, a
    batch has one row for it: a message's outcomes come in pairs, and each row costs four indexes."""
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    latest: dict[str, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    buried: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for entry, message, why in batch:
        (topic, partition), offset = entry.place, entry.offset
        rows = (
            [(table, _row(table, entry, message)) for table in BY_TOPIC[topic]]
            if message is not None
            else []
        )
        why = why or next((_TOO_LARGE for _, row in rows if not _storable(row)), "")
        if why:
            found[_UNREADABLE].append((topic, partition, offset, why))
        elif message is not None:
            for table, row in rows:
                if table.latest is None:
                    found[_UPSERT[table.name]].append(row)
                else:
                    _keep_latest(latest[_UPSERT[table.name]], row)
        elif entry.key is not None:
            for table in BY_TOPIC[topic]:
                if table.latest:
                    buried[_BURY[table.name]].append(
                        (entry.key.decode(errors="replace"), partition, offset)
                    )
    return found | {sql: list(rows.values()) for sql, rows in latest.items()} | buried


def _keep_latest(rows: dict[str, tuple[Any, ...]], row: tuple[Any, ...]) -> None:
    """By identity; of the same rank the later one, as the statement has it."""
    identity, rank, *_ = row
    before = rows.get(identity)
    if before is None or rank >= before[1]:
        rows[identity] = row


def _row(table: Table, entry: Entry, message: Message) -> tuple[Any, ...]:
    columns = [get(message) for get in table.columns.values()]
    row = (entry.place.partition, entry.offset, entry.at_ms, *columns, _kept(table, entry, message))
    if table.latest is None:
        return row
    return (table.latest(message), table.rank(message) if table.rank else entry.offset, *row)


def _storable(row: tuple[Any, ...]) -> bool:
    """SQLite's integers have 64 bits; JSON's have any number."""
    return not [
        value for value in row if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
    ]


def _kept(table: Table, entry: Entry, message: Message) -> str:
    value = entry.value or b""
    if table.whole or len(value) <= LARGEST:
        return value.decode(errors="replace")
    return json.dumps(_cut(message.model_dump(mode="json")), ensure_ascii=False)


def _cut(value: Any) -> Any:
    """Every string in it cut to `LONGEST`."""
    match value:
        case str():
            return value[:LONGEST]
        case dict():
            return {name: _cut(inner) for name, inner in value.items()}
        case list():
            return [_cut(inner) for inner in value]
    return value
