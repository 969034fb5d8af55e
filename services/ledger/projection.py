"""Turn Kafka records into rows of the ledger's tables. Pure: no file, no Kafka.

Theory of operation
-------------------
The ledger is a projection: `tables.TABLES` says which topic fills which table, and every row can be
computed again from the topics. A batch of records goes through three steps:

1. `parse` reads each record's value with its topic's schema. A value that cannot be read is not an
   error here: it becomes a row of `unreadable`, so that one bad record does not stop the ledger.
2. `build_statements` turns the batch into SQL statements with their rows. A table of all records
   ignores a row it already has (same partition and offset). A table of the latest version replaces
   a row only by one of the same or a higher rank. So applying a record twice changes nothing, and
   the order of batches does not matter.
3. `Store.apply` runs the statements and writes the new positions (the next offset of each
   partition) in the same SQLite transaction. Inside that transaction it reads the positions again
   and drops records that are below them. So every record counts exactly once, also after a crash
   and when several processes fill one file.

The file is rebuilt from the beginning of the topics when it cannot belong to them: it was made by
other table definitions (`tables.VERSION`), it holds another Kafka cluster's topics, or a position
lies outside of what a partition holds now. A rebuild raises the file's `generation`; a process that
sees another generation than its own reads its positions again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from schemas.base import Message
from schemas.topics import BY_NAME
from services.json_values import MAX_DEPTH, parse_json
from services.ledger.table import Table
from services.ledger.tables import BY_TOPIC, TABLES, delete_tombstoned, upsert

MAX_VALUE: Final = 64 << 10
"""Bytes of a value that is kept as it came. Of a larger one every string is cut to `MAX_STRING`
characters."""
MAX_STRING: Final = 4000
LONG_NUMBER: Final = 4000
"""Digits that Python refuses to read are some more."""

UPSERT: Final = {table.name: upsert(table) for table in TABLES}
_DELETE: Final = {table.name: delete_tombstoned(table) for table in TABLES if table.latest}
_TOO_LARGE: Final = "a number in it is larger than 64 bits"
_UNREADABLE: Final = "INSERT INTO unreadable VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

Values = tuple[Any, ...]
"""One row's values, in the order of its statement."""


class Partition(NamedTuple):
    topic: str
    number: int


class Record(NamedTuple):
    """A Kafka record as it was read."""

    partition: Partition
    offset: int
    at_ms: int
    """Milliseconds since 1970, UTC."""
    key: bytes | None
    value: bytes | None


class ParsedRecord(NamedTuple):
    record: Record
    message: Message | None
    """None for a tombstone, and for a value that cannot be read."""
    error: str = ""
    """Why the value cannot be read."""


def parse(record: Record) -> ParsedRecord:
    if record.value is None:
        return ParsedRecord(record, None)
    try:
        return ParsedRecord(record, BY_NAME[record.partition.topic].decode(record.value))
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        return ParsedRecord(record, None, reason[:300])


def build_statements(batch: Iterable[ParsedRecord]) -> dict[str, list[Values]]:
    """SQL statements and their rows. Upserts come before deletions, each in the order of the
    records.

    A table of latest versions gets one row of a batch for each identity: outcomes of one message
    often come in pairs, and writing a row updates four indexes.
    """
    upserts: dict[str, list[Values]] = defaultdict(list)
    latest: dict[str, dict[str, Values]] = defaultdict(dict)
    deletions: dict[str, list[Values]] = defaultdict(list)
    for record, message, error in batch:
        topic, partition = record.partition
        offset = record.offset
        rows = (
            [(table, _build_row(table, record, message)) for table in BY_TOPIC[topic]]
            if message is not None
            else []
        )
        error = error or next((_TOO_LARGE for _, row in rows if not _is_storable(row)), "")
        if error:
            upserts[_UNREADABLE].append((topic, partition, offset, error))
        elif message is not None:
            for table, row in rows:
                if table.latest is None:
                    upserts[UPSERT[table.name]].append(row)
                else:
                    _keep_latest(latest[UPSERT[table.name]], row)
        elif record.key is not None:
            key = record.key.decode(errors="replace")
            for table in BY_TOPIC[topic]:
                if table.latest:
                    deletions[_DELETE[table.name]].append((key, partition, offset))
    return upserts | {sql: list(rows.values()) for sql, rows in latest.items()} | deletions


def _keep_latest(rows: dict[str, Values], row: Values) -> None:
    """Of two rows with the same rank the later one wins, as in the statement."""
    identity, rank, *_ = row
    before = rows.get(identity)
    if before is None or rank >= before[1]:
        rows[identity] = row


def _build_row(table: Table, record: Record, message: Message) -> Values:
    columns = [get(message) for get in table.columns.values()]
    row = (
        record.partition.number,
        record.offset,
        record.at_ms,
        *columns,
        _json_to_keep(table, record, message),
    )
    if table.latest is None:
        return row
    return (table.latest(message), table.rank(message) if table.rank else record.offset, *row)


def _is_storable(row: Values) -> bool:
    """SQLite's integers have 64 bits; a number in JSON may be larger."""
    return not [
        value for value in row if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63
    ]


def _json_to_keep(table: Table, record: Record, message: Message) -> str:
    value = record.value or b""
    if (table.whole or len(value) <= MAX_VALUE) and not _is_unreadable(value):
        return value.decode(errors="replace")
    if table.whole:
        return message.model_dump_json()
    return json.dumps(_cut_strings(message.model_dump(mode="json")), ensure_ascii=False)


def _is_unreadable(value: bytes) -> bool:
    """Fields that we do not know may hold what Python or SQLite cannot read: deep nesting, numbers
    of thousands of digits, NaN.  Then what we know of the message is kept instead."""
    is_ordinary = (
        value.count(b"[") + value.count(b"{") < MAX_DEPTH
        and len(value) < LONG_NUMBER
        and b"NaN" not in value
        and b"Infinity" not in value
    )
    if is_ordinary:
        return False
    try:
        parse_json(value)
    except ValueError:
        return True
    return False


def _cut_strings(value: Any) -> Any:
    match value:
        case str():
            return value[:MAX_STRING]
        case dict():
            return {name: _cut_strings(inner) for name, inner in value.items()}
        case list():
            return [_cut_strings(inner) for inner in value]
    return value
