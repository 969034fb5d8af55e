"""Messages as a file for a spreadsheet or for analysis, row by row as they are read.

Parquet needs the extra `analysts` (pyarrow); CSV needs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from services.csv_output import iterate_csv
from services.ledger.mailbox import MailboxItem
from services.operations.errors import OperationFailed

ROW_GROUP: Final = 10_000
"""Rows of a Parquet file that are in memory at a time."""


class ExportedMessage(NamedTuple):
    requested_at: str
    """RFC 3339, UTC."""
    tenant: str
    branch: str
    case: str
    person: str
    name: str
    to: str
    sender: str
    kind: str
    message_id: str
    state: str
    code: str
    meaning: str
    """Of the code, or what the gate found."""
    next_step: str
    segments: int
    text: str


def export_message(item: MailboxItem, name: str, text: str | None) -> ExportedMessage:
    outcome = item.outcome
    deciding = [one for one in item.findings if one.verdict != "send"]
    return ExportedMessage(
        requested_at=outcome["requested_at"],
        tenant=item.tenant,
        branch=outcome.get("branch") or "",
        case=outcome.get("case_id") or "",
        person=outcome.get("person_id") or "",
        name=name,
        to=item.number or "",
        sender=outcome.get("sender") or "",
        kind=outcome["kind"],
        message_id=item.message_id,
        state=outcome["state"],
        code=outcome.get("error_code") or "",
        meaning=outcome.get("error_title") or "; ".join(one.reason for one in deciding),
        next_step=outcome.get("next_step") or "; ".join(one.next_step for one in deciding),
        segments=outcome.get("segments") or 0,
        text=text or "",
    )


def write_csv_chunks(rows: Iterable[ExportedMessage]) -> Iterator[bytes]:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield "\N{BYTE ORDER MARK}".encode()
    for chunk in iterate_csv(ExportedMessage._fields, rows):
        yield chunk.encode()


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


def write_parquet_chunks(rows: Iterable[ExportedMessage]) -> Iterator[bytes]:
    """Raises OperationFailed without pyarrow."""
    require_parquet()
    import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    from pyarrow import parquet  # noqa: PLC0415

    types = {"segments": pa.int32()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in ExportedMessage._fields])
    sink = _Sink()
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        for group in _batched(rows, ROW_GROUP):
            columns = zip(*group, strict=True)
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.take()
    yield sink.take()


def _batched(rows: Iterable[ExportedMessage], size: int) -> Iterator[list[ExportedMessage]]:
    iterator = iter(rows)
    while group := list(islice(iterator, size)):
        yield group
