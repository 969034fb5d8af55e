"""A header's name may be any bytes, whatever Kafka's protocol says: brokers do not look.

Stands in for aiokafka's reader, which raises UnicodeDecodeError in the middle of such a fetch, and at the same place
for ever after.  Here the rest of that fetch is read again by aiokafka's slower reader, which is in Python; the bytes of
such a name become lone surrogates, as `os.fsdecode` makes them.  A lane sets the record aside; other readers go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import aiokafka.consumer.fetcher as fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from streams.runtime.records import LightRecords

_MAGIC: Final = 16
"""Where a batch says its format."""
_HAS_HEADERS: Final = 2


class _Bytes(bytearray):
    """What is cut out of it can be decoded, whatever it is."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Bytes(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "surrogateescape")


class Batch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if type(self._buffer) is not _Bytes:
            self._buffer = _Bytes(self._buffer)


class Rest(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of a fetch from the one that holds offset `start`: who reads those before it a second time takes old
    markers of transactions for new ones."""

    def __init__(self, data: bytes, start: int) -> None:
        super().__init__(data)
        while self.has_next() and _next_offset(self._next_slice) <= start:
            self._cache_next()

    def next_batch(self) -> Any:
        piece = self._next_slice
        if piece[_MAGIC] < _HAS_HEADERS:
            return super().next_batch()
        self._cache_next()
        return Batch(piece)


def _next_offset(piece: memoryview) -> int:
    if piece[_MAGIC] < _HAS_HEADERS:
        return int.from_bytes(piece[:8], "big") + 1
    return int(Batch(piece).next_offset)


class Fetched(MemoryRecords):  # type: ignore[misc]
    """Keeps what was fetched, to be able to read it again."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class Tolerant(LightRecords):
    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._records = Rest(self._records.data, self.next_fetch_offset)
            yield from super()._unpack_records()


_TOUCHED: Final[tuple[tuple[Any, str], ...]] = (
    (fetcher, "MemoryRecords"),
    (fetcher, "PartitionRecords"),
    (MemoryRecords, "next_batch"),
    (Tolerant, "_unpack_records"),
    (Batch, "_maybe_uncompress"),
    (Rest, "_cache_next"),
)
"""aiokafka's private names that this needs; its version is pinned, and `streams.runtime.vendor_internals` checks that."""


def tolerate() -> None:
    """From now on, for every consumer of this process: of rooms, of the ledger, of the command line."""
    gone = [f"{owner!r}.{name}" for owner, name in _TOUCHED if not hasattr(owner, name)]
    if gone:
        raise RuntimeError(
            f"this aiokafka lacks {', '.join(gone)}, which reads headers that are not UTF-8"
        )
    fetcher.MemoryRecords, fetcher.PartitionRecords = Fetched, Tolerant
