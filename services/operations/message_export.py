"""Messages as a file for a spreadsheet or for analysis, row by row as they are read.

Parquet needs the extra `analysts` (pyarrow); CSV needs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from schemas.numbers import mask_number, mask_text
from services.csv_output import iterate_csv
from services.operations.errors import InvalidRequest
from services.operations.mailboxes import MailboxRow
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


def export_messages(file: Path, rows: Iterable[MailboxRow], unmask: bool) -> int:
    """Write them to a file that only its owner can read. Returns how many they are.

    Raises OperationError."""
    writers = {".csv": write_csv_chunks, ".parquet": write_parquet_chunks}
    write = writers.get(file.suffix)
    if write is None:
        raise InvalidRequest(
            f"--out {file} does not say what to write", "end it in .csv or .parquet"
        )
    messages = _Counted(map(export_message, rows), unmask)
    try:
        file.touch(mode=0o600)
        with file.open("wb") as output:
            for chunk in write(messages):
                output.write(chunk)
    except OSError as error:
        raise InvalidRequest(f"--out {file} cannot be written: {error.strerror}") from None
    return messages.count


class _Counted:
    """Messages on their way to a file."""

    def __init__(self, messages: Iterable[ExportedMessage], unmask: bool) -> None:
        self._messages = messages
        self._unmask = unmask
        self.count = 0

    def __iter__(self) -> Iterator[ExportedMessage]:
        for message in self._messages:
            self.count += 1
            yield message if self._unmask else _mask(message)


def _mask(message: ExportedMessage) -> ExportedMessage:
    return message._replace(
        name="",
        to=mask_number(message.to),
        text=f"({len(message.text)} characters)",
        meaning=mask_text(message.meaning),
        next_step=mask_text(message.next_step),
    )


def export_message(row: MailboxRow) -> ExportedMessage:
    item, outcome = row.item, row.item.outcome
    deciding = [one for one in item.findings if one.verdict != "send"]
    return ExportedMessage(
        requested_at=outcome["requested_at"],
        tenant=item.tenant,
        branch=outcome.get("branch") or "",
        case=outcome.get("case_id") or "",
        person=outcome.get("person_id") or "",
        name=row.person_name,
        to=item.number or "",
        sender=outcome.get("sender") or "",
        kind=outcome["kind"],
        message_id=item.message_id,
        state=outcome["state"],
        code=outcome.get("error_code") or "",
        meaning=outcome.get("error_title") or "; ".join(one.reason for one in deciding),
        next_step=outcome.get("next_step") or "; ".join(one.next_step for one in deciding),
        segments=outcome.get("segments") or 0,
        text=row.body or "",
    )


def write_csv_chunks(rows: Iterable[ExportedMessage]) -> Iterator[bytes]:
    """With a byte order mark, by which spreadsheets know that it is UTF-8."""
    yield "\N{BYTE ORDER MARK}".encode()
    for chunk in iterate_csv(ExportedMessage._fields, rows):
        yield chunk.encode()


def write_parquet_chunks(rows: Iterable[ExportedMessage]) -> Iterator[bytes]:
    """Raises OperationFailed without pyarrow."""
    return write_parquet(ExportedMessage._fields, rows, whole=("segments",))
