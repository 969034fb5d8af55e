"""How a partition's state is stored in the processor's changelog topic.

Theory of operation

A record's key is `entity key NUL entry name`.  Its value is eight bytes of timer (milliseconds
since 1970, 0 for none) and the JSON of the entry.  One more record, written in the same
transaction, holds the input positions.  Restoring the topic therefore gives state and positions of
one and the same transaction: nothing is applied twice or left out.

The positions record also counts the entries.  Entries that went missing (retention, a truncated
topic) are noticed before anything is evaluated.  It also says over how many partitions the entries
were written, for with another number their keys belong to other partitions.

This replaces Faust's tables.  Those are restored at 7,000 entries a second, race with Faust's own
rebalance, and know no positions.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from zlib import crc32

from streams.partition.decoding import Record
from streams.partition.dlq_limit import Standstill
from streams.state_entry import StateEntry, dump

POSITIONS: Final = b"\x00positions"
"""The key of the positions record."""
_TIMER: Final = struct.Struct("<q")
MAX_ENTRY: Final = 64 << 10


class Damaged(Exception):
    """State without positions, positions without state, or fewer entries than were written: the
    worker must stop."""


class Repartitioned(Damaged):
    """The topics have another number of partitions than when the state was written."""


class DataLoss(Damaged):
    """An input topic no longer holds what a position points at."""


class LastRecord(NamedTuple):
    """The last record that was read of a partition: it shows whether the log is still the same."""

    offset: int
    timestamp: int
    """Milliseconds since 1970, UTC."""
    checksum: int

    @classmethod
    def of(cls, record: Record) -> LastRecord:
        return cls(record.offset, record.timestamp, checksum_of(record.key, record.value))


def checksum_of(key: bytes | None, value: bytes | None) -> int:
    return crc32(value or b"", crc32(key or b""))


class InputTopic(NamedTuple):
    """What is known of an input topic besides the position in it."""

    topic_id: str | None = None
    """The broker's, in hex; None where it has none, and in state of earlier versions."""
    last: LastRecord | None = None


class StateSnapshot(NamedTuple):
    entries: dict[bytes, bytes]
    positions: dict[str, int]
    serial: int
    partitions: int | None = None
    settings: str | None = None
    inputs: Mapping[str, InputTopic] = MappingProxyType({})
    """By topic."""
    standstills: Mapping[str, Standstill] = MappingProxyType({})
    """By topic."""


def join_key(entity_key: str, name: str) -> bytes:
    return f"{entity_key}\x00{name}".encode()


def split_key(key: bytes) -> tuple[str, str]:
    entity_key, _, name = key.decode().rpartition("\x00")
    return entity_key, name


def encode_entry(entry: StateEntry) -> bytes:
    data = dump(entry)
    if len(data) > MAX_ENTRY:
        raise ValueError(
            f"a {type(entry).__name__} of {len(data)} bytes: an entry must stay under {MAX_ENTRY}"
        )
    return data


def pack_value(timer: int, data: bytes) -> bytes:
    return _TIMER.pack(timer) + data


def unpack_value(value: bytes) -> tuple[int, bytes]:
    return _TIMER.unpack_from(value)[0], value[8:]


def encode_positions(
    positions: Mapping[str, int],
    entry_count: int,
    serial: int,
    partitions: int | None = None,
    settings: str | None = None,
    inputs: Mapping[str, InputTopic] = MappingProxyType({}),
    standstills: Mapping[str, Standstill] = MappingProxyType({}),
) -> bytes:
    """`partitions`: how many the processor's topics have.  `settings`: those under which all that
    waits was evaluated."""
    # The names in this JSON are on Kafka: they stay.
    fields: dict[str, Any] = {
        "positions": positions,
        "rows": entry_count,
        "serial": serial,
        "partitions": partitions,
    }
    if settings is not None:
        fields["settings"] = settings
    if inputs:
        fields["inputs"] = inputs
    if standstills:
        fields["standstills"] = standstills
    return json.dumps(fields).encode()


def decode_inputs(fields: Mapping[str, Any]) -> dict[str, InputTopic]:
    return {
        name: InputTopic(topic_id, LastRecord(*last) if last else None)
        for name, (topic_id, last) in fields.get("inputs", {}).items()
    }


def decode_standstills(fields: Mapping[str, Any]) -> dict[str, Standstill]:
    return {name: Standstill(*one) for name, one in fields.get("standstills", {}).items()}


def collapse(items: Iterable[tuple[bytes, bytes | None]]) -> StateSnapshot:
    """Keep the last value of each key.  Raises Damaged."""
    entries: dict[bytes, bytes] = {}
    for key, value in items:
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = value
    raw = entries.pop(POSITIONS, None)
    if raw is None:
        if entries:
            raise Damaged(f"{len(entries)} entries but no positions")
        return StateSnapshot({}, {}, 0)
    fields = json.loads(raw)
    if fields["rows"] != len(entries):
        raise Damaged(f"{len(entries)} entries where {fields['rows']} were written")
    return StateSnapshot(
        entries,
        fields["positions"],
        fields["serial"],
        fields.get("partitions"),
        fields.get("settings"),
        decode_inputs(fields),
        decode_standstills(fields),
    )
