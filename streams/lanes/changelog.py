"""How rows and positions stand in a room's changelog.

Stands in for Faust's tables: those are restored at 7 k rows/s, race with their own rebalance, and know no positions.
A record's key is `family NUL name`; its value eight bytes of wake (milliseconds since 1970, 0 for none) and the row's
JSON.  The positions are one more record, written in the same transaction, and count the rows: rows that went missing
(retention, a truncated topic) are noticed before anything is judged.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from streams.row import Row, dump

POSITIONS: Final = b"\x00positions"
_WAKE: Final = struct.Struct("<q")
MAX_ROW: Final = 64 << 10


class Damaged(Exception):
    """Rows without positions, positions without rows, or fewer rows than were written: nothing may be judged."""


class Repartitioned(Damaged):
    """The topics have another number of partitions than when the rows were written: keys belong to other lanes."""


class State(NamedTuple):
    rows: dict[bytes, bytes]
    positions: dict[str, int]
    serial: int
    partitions: int | None = None
    settings: str | None = None


def join(family: str, name: str) -> bytes:
    return f"{family}\x00{name}".encode()


def split(key: bytes) -> tuple[str, str]:
    family, _, name = key.decode().rpartition("\x00")
    return family, name


def body(row: Row) -> bytes:
    data = dump(row)
    if len(data) > MAX_ROW:
        raise ValueError(
            f"a {type(row).__name__} of {len(data)} bytes: a row must stay under {MAX_ROW}"
        )
    return data


def pack(wake: int, data: bytes) -> bytes:
    return _WAKE.pack(wake) + data


def unpack(value: bytes) -> tuple[int, bytes]:
    return _WAKE.unpack_from(value)[0], value[8:]


def positions(
    at: Mapping[str, int],
    rows: int,
    serial: int,
    partitions: int | None = None,
    settings: str | None = None,
) -> bytes:
    """`partitions`: how many the room's topics had, for with another number keys belong to other lanes.  `settings`:
    those under which all that waits has been judged."""
    noted = {"positions": at, "rows": rows, "serial": serial, "partitions": partitions}
    return json.dumps(noted if settings is None else {**noted, "settings": settings}).encode()


def collapse(items: Iterable[tuple[bytes, bytes | None]]) -> State:
    """The last value of each key.  Raises Damaged."""
    rows: dict[bytes, bytes] = {}
    for key, value in items:
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value
    raw = rows.pop(POSITIONS, None)
    if raw is None:
        if rows:
            raise Damaged(f"{len(rows)} rows but no positions")
        return State({}, {}, 0)
    noted = json.loads(raw)
    if noted["rows"] != len(rows):
        raise Damaged(f"{len(rows)} rows where {noted['rows']} were written")
    return State(
        rows, noted["positions"], noted["serial"], noted.get("partitions"), noted.get("settings")
    )
