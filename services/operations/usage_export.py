"""The usage report as a file: the same rows and counts as on its topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.reports import UsageRow
from services.operations.parquet_file import write_parquet

WHOLE = (
    "messages",
    "segments",
    "segments_predicted",
    "segments_billed",
    "segments_unpriced",
    "cost_estimated_micros",
    "cost_billed_micros",
)


class ExportedUsage(NamedTuple):
    tenant: str
    branch: str
    sender: str
    day: str
    kind: str
    state: str
    code: str
    meaning: str
    messages: int
    segments: int
    segments_predicted: int
    segments_billed: int
    segments_unpriced: int
    currency: str
    cost_estimated_micros: int
    cost_billed_micros: int
    """Of `currency`; costs in another one, after a change within a day, are in rows of their
    own."""


def rows_of_usage(rows: Iterable[UsageRow]) -> list[ExportedUsage]:
    return [exported for row in rows for exported in _export(row)]


def _export(row: UsageRow) -> Iterator[ExportedUsage]:
    first = ExportedUsage(
        row.tenant,
        row.branch,
        row.sender,
        row.period.isoformat(),
        row.kind,
        row.state,
        row.error_code or "",
        row.error_title or "",
        row.messages,
        row.segments,
        row.segments_predicted or 0,
        row.segments_billed or 0,
        row.segments_unpriced or 0,
        row.currency or "",
        row.cost_estimated or 0,
        row.cost_billed or 0,
    )
    yield first
    for other in row.other_costs:
        yield first._replace(
            messages=0,
            segments=0,
            segments_predicted=0,
            segments_billed=0,
            segments_unpriced=0,
            currency=other.currency,
            cost_estimated_micros=other.cost_estimated,
            cost_billed_micros=other.cost_billed,
        )


def write_usage_parquet(rows: Sequence[ExportedUsage]) -> Iterator[bytes]:
    """Raises OperationFailed without pyarrow."""
    return write_parquet(ExportedUsage._fields, rows, whole=WHOLE)
