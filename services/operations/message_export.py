"""Messages as a file for a spreadsheet or for analysis, row by row as they are read.

Parquet needs the extra `analysts` (pyarrow); CSV needs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.csv_output import iterate_csv
from services.ledger.mailbox import MailboxItem
from services.operations.parquet_file import write_parquet


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


def write_parquet_chunks(rows: Iterable[ExportedMessage]) -> Iterator[bytes]:
    """Raises OperationFailed without pyarrow."""
    return write_parquet(ExportedMessage._fields, rows, whole=("segments",))
