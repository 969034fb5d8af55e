"""Parquet files, written while their rows are read. They need the extra `analysts` (pyarrow)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from services.operations.errors import OperationFailed

ROW_GROUP: Final = 10_000
"""Rows that are in memory at a time."""


class _Sink:
    """What the Parquet writer has written and nobody has sent yet."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self._at = 0
        self.closed = False

    def write(self, data: Any) -> int:
        written = bytes(data)
        self.chunks.append(written)
        self._at += len(written)
        return len(written)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        taken = b"".join(self.chunks)
        self.chunks.clear()
        return taken


def require_parquet() -> None:
    """Raises OperationFailed, before anything is sent."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise OperationFailed(
            "Parquet files need the package pyarrow", "install sayso[analysts], or take CSV"
        ) from None


def write_parquet(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, whole: Collection[str] = ()
) -> Iterator[bytes]:
    """`whole`: columns of whole numbers; the others are text. Raises OperationFailed without
    pyarrow."""
    require_parquet()
    import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    from pyarrow import parquet  # noqa: PLC0415

    schema = pa.schema([(name, pa.int64() if name in whole else pa.string()) for name in columns])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in _batched(rows, ROW_GROUP):
            cells = zip(*group, strict=True)
            arrays = [
                pa.array(column, field.type) for column, field in zip(cells, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.take()
    yield sink.take()


def _batched(rows: Iterable[Sequence[Any]], size: int) -> Iterator[list[Sequence[Any]]]:
    iterator = iter(rows)
    while group := list(islice(iterator, size)):
        yield group
