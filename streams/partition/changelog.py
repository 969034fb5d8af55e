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

from streams.state_entry import StateEntry, dump

POSITIONS: Final = b"\x00positions"
_WAKE: Final = struct.Struct("<q")
MAX_ROW: Final = 64 << 10


class Damaged(Exception):
    """Rows without positions, positions without rows, or fewer rows than were written: nothing may be judged."""


class Repartitioned(Damaged):
    """The topics have another number of partitions than when the rows were written: keys belong to other lanes."""


class StateSnapshot(NamedTuple):
    entries: dict[bytes, bytes]
    positions: dict[str, int]
    serial: int
    partitions: int | None = None
    settings: str | None = None


def join(entity_key: str, name: str) -> bytes:
    return f"{entity_key}\x00{name}".encode()


def split(key: bytes) -> tuple[str, str]:
    entity_key, _, name = key.decode().rpartition("\x00")
    return entity_key, name


def body(row: StateEntry) -> bytes:
    data = dump(row)
    if len(data) > MAX_ROW:
        raise ValueError(
            f"a {type(row).__name__} of {len(data)} bytes: a row must stay under {MAX_ROW}"
        )
    return data


def pack(timer: int, data: bytes) -> bytes:
    return _WAKE.pack(timer) + data


def unpack(value: bytes) -> tuple[int, bytes]:
    return _WAKE.unpack_from(value)[0], value[8:]


def positions(
    at: Mapping[str, int],
    state: int,
    serial: int,
    partitions: int | None = None,
    settings: str | None = None,
) -> bytes:
    """`partitions`: how many the room's topics had, for with another number keys belong to other lanes.  `settings`:
    those under which all that waits has been judged."""
    noted = {"positions": at, "rows": state, "serial": serial, "partitions": partitions}
    return json.dumps(noted if settings is None else {**noted, "settings": settings}).encode()


def collapse(items: Iterable[tuple[bytes, bytes | None]]) -> StateSnapshot:
    """The last value of each key.  Raises Damaged."""
    state: dict[bytes, bytes] = {}
    for key, value in items:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value
    raw = state.pop(POSITIONS, None)
    if raw is None:
        if state:
            raise Damaged(f"{len(state)} rows but no positions")
        return StateSnapshot({}, {}, 0)
    noted = json.loads(raw)
    if noted["rows"] != len(state):
        raise Damaged(f"{len(state)} rows where {noted['rows']} were written")
    return StateSnapshot(
        state, noted["positions"], noted["serial"], noted.get("partitions"), noted.get("settings")
    )
