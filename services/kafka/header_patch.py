"""Let aiokafka read record headers whose names are not UTF-8.

Theory of operation
-------------------
Kafka's protocol says that a header's name is UTF-8, but brokers do not check. aiokafka's reader
raises UnicodeDecodeError in the middle of such a fetch, and does so again at the same offset after
every restart: one bad record would stop a partition for ever.

This patch catches the error and reads the rest of that fetch with aiokafka's slower reader, which
is written in Python. It decodes such a name into lone surrogates, as `os.fsdecode` does. A
partition task then makes a dead letter of the record; other readers go on.

aiokafka's version is pinned, and `allow_any_header_name` checks that the private names it needs are
still there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from streams.runtime.records import LightRecords

_MAGIC_OFFSET: Final = 16
"""Where a batch says its format version."""
_FIRST_WITH_HEADERS: Final = 2


class _SurrogateBytes(bytearray):
    """Bytes of which every slice can be decoded, whatever it holds."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _SurrogateBytes(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "surrogateescape")


class TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if type(self._buffer) is not _SurrogateBytes:
            self._buffer = _SurrogateBytes(self._buffer)


class RemainingBatches(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of a fetch from the one that holds offset `start`.

    The batches before it must not be read a second time: their transaction markers would be taken
    for those of later transactions.
    """

    def __init__(self, data: bytes, start: int) -> None:
        super().__init__(data)
        while self.has_next() and _next_offset(self._next_slice) <= start:
            self._cache_next()

    def next_batch(self) -> Any:
        raw = self._next_slice
        if raw[_MAGIC_OFFSET] < _FIRST_WITH_HEADERS:
            return super().next_batch()
        self._cache_next()
        return TolerantBatch(raw)


def _next_offset(raw: memoryview) -> int:
    if raw[_MAGIC_OFFSET] < _FIRST_WITH_HEADERS:
        return int.from_bytes(raw[:8], "big") + 1
    return int(TolerantBatch(raw).next_offset)


class RereadableRecords(MemoryRecords):  # type: ignore[misc]
    """Keeps the fetched bytes, so that they can be read again."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class TolerantPartitionRecords(LightRecords):
    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._records = RemainingBatches(self._records.data, self.next_fetch_offset)
            yield from super()._unpack_records()


_PATCHED: Final[tuple[tuple[Any, str], ...]] = (
    (fetcher, "MemoryRecords"),
    (fetcher, "PartitionRecords"),
    (MemoryRecords, "next_batch"),
    (TolerantPartitionRecords, "_unpack_records"),
    (TolerantBatch, "_maybe_uncompress"),
    (RemainingBatches, "_cache_next"),
)
"""aiokafka's private names that this needs."""


def allow_any_header_name() -> None:
    """Patch every consumer of this process: those of processors, of the ledger and of the CLI."""
    missing = [f"{owner!r}.{name}" for owner, name in _PATCHED if not hasattr(owner, name)]
    if missing:
        raise RuntimeError(
            f"this aiokafka lacks {', '.join(missing)}, which reads headers that are not UTF-8"
        )
    fetcher.MemoryRecords = RereadableRecords
    fetcher.PartitionRecords = TolerantPartitionRecords
