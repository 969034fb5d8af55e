"""Import consents that were collected elsewhere, from a CSV file, one a line."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Final, NamedTuple

from pydantic import ValidationError

from schemas.base import Evidence
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.consent_dates import FIRST_TEXT, is_placeholder, why_no_proof
from schemas.numbers import e164
from schemas.topics import CONSENT_EVENTS
from schemas.wire_types import RFC3339_DAY
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.opt_out_words import is_opt_in, is_opt_out
from services.operations.session import Session
from services.operations.table_file import (
    OnProgress,
    Row,
    Source,
    open_table,
    read_number_cell,
    why_shortened,
)
from services.operations.written_time import parse_written_time
from streams.gate.number_validation import PROBLEMS, validate_number

REQUIRED: Final = ("number", "date", "source", "proof")
OPTIONAL: Final = ("action", "wording", "url", "sender")
BATCH: Final = 1000
"""Lines that Kafka confirms at a time."""
LONGEST: Final = 4000
"""Characters of one cell."""


class ConsentLine(NamedTuple):
    """A line of the file: its event, or the reason why it cannot be used.

    An opt-out of no number that could be texted has both: the gate blocks what it may have meant
    and keeps it as a dead letter, and somebody has to look.  `line` counts as an editor does.  A
    reason never quotes the line."""

    line: int
    event: ConsentEvent | None
    why: str = ""
    column: str = ""
    """Empty: it is the line as a whole."""
    fix: str = ""
    """What to do."""

    @property
    def reason(self) -> str:
        return f"{self.why}: {self.fix}" if self.fix else self.why


class ConsentImport(NamedTuple):
    """Whose consents they are, who brings them, and when."""

    tenant: str
    actor: str
    now: datetime


class Imported(NamedTuple):
    """How many lines went in, and which did not."""

    good: int
    bad: tuple[ConsentLine, ...]
    unclear: tuple[ConsentLine, ...] = ()
    """Opt-outs of no number that could be texted: they went to the gate, beside the good ones."""


class _BadLine(Exception):
    """Why a line cannot be used."""

    def __init__(self, reason: str, column: str = "", fix: str = "") -> None:
        super().__init__(reason)
        self.column = column
        self.fix = fix


def read_consents(path: Source, about: ConsentImport) -> Iterator[ConsentLine]:
    """Read the file line by line.  Raises InvalidRequest where the file as a whole is wrong."""
    first_lines: dict[str, int] = {}
    with open_table(path, strict=True) as table:
        _require_columns(path, table.columns)
        for row in table.rows:
            try:
                event, problem = _build_event(_check_cells(row, table.columns), about)
                first = first_lines.setdefault(event.event_id, row.line)
                if first != row.line:
                    raise _BadLine(f"it says the same as line {first}")
            except _BadLine as bad:
                yield ConsentLine(row.line, None, *_describe(bad))
            else:
                yield ConsentLine(row.line, event, *_describe(problem))


def _describe(problem: _BadLine | None) -> tuple[str, str, str]:
    return (str(problem), problem.column, problem.fix) if problem else ("", "", "")


async def import_consents(
    kafka: Session, path: Source, about: ConsentImport, on_progress: OnProgress
) -> Imported:
    """Publish the good lines and the unclear ones.

    Raises OperationFailed where Kafka does not confirm; what was published before stays."""
    await kafka.require_tenants(about.tenant)
    await kafka.require_topic(CONSENT_EVENTS)
    lines = read_consents(path, about)
    good = 0
    bad: list[ConsentLine] = []
    unclear: list[ConsentLine] = []
    # Numbers take long to read: a page must not wait for somebody's file.
    while batch := await asyncio.to_thread(lambda: list(islice(lines, BATCH))):
        events = [line.event for line in batch if line.event is not None]
        try:
            await kafka.publish(CONSENT_EVENTS, events)
        except OperationFailed as error:
            raise OperationFailed(
                f"{error}; {good + len(unclear):,} lines are in",
                "import the file again, which is harmless",
            ) from None
        bad += [line for line in batch if line.event is None]
        unclear += [line for line in batch if line.event is not None and line.reason]
        good += sum(not line.reason for line in batch)
        on_progress(batch[-1].line)
    return Imported(good, tuple(bad), tuple(unclear))


def _require_columns(path: Source, names: list[str]) -> None:
    required = ("number",) if "action" in names else REQUIRED
    missing = [name for name in required if name not in names]
    if missing:
        raise InvalidRequest(
            f"{path}, line 1: the header must name {', '.join(REQUIRED)};"
            f" {', '.join(missing)} is missing"
        )
    for name in names:
        if name not in REQUIRED + OPTIONAL:
            raise InvalidRequest(
                f"{path}, line 1: the column {name!r} is not known;"
                f" besides there may be {', '.join(OPTIONAL)}"
            )


def _check_cells(row: Row, columns: list[str]) -> Mapping[str, str]:
    if row.problem:
        raise _BadLine(row.problem)
    cells = dict(zip(columns, row.cells, strict=False))
    if len(row.cells) <= len(columns) and is_opt_out(cells.get("action", "")):
        return {name: _make_text(cell) for name, cell in cells.items()}
    if len(row.cells) != len(columns):
        raise _BadLine(f"it has {len(row.cells)} cells, and the header {len(columns)}")
    for name in REQUIRED:
        if not cells.get(name):
            raise _BadLine(f"{name} is empty", name)
    for name, cell in cells.items():
        if len(cell) > LONGEST:
            raise _BadLine(f"{name} has {len(cell)} characters; {LONGEST} is the most", name)
        if any("\ud800" <= sign <= "\udfff" for sign in cell):
            raise _BadLine(f"{name} is not UTF-8 text", name, "save the file as UTF-8")
    return cells


def _make_text(cell: str) -> str:
    """What a no says beside, as far as it can be kept."""
    return cell.encode(errors="surrogateescape").decode(errors="replace")[:LONGEST]


def _build_event(
    cells: Mapping[str, str], about: ConsentImport
) -> tuple[ConsentEvent, _BadLine | None]:
    """The event, and what is wrong with the number of an opt-out."""
    is_no = is_opt_out(cells.get("action", ""))
    if not is_no and not is_opt_in(cells.get("action", "")):
        raise _BadLine("action is neither opt_in nor opt_out", "action")
    number, problem = _read_number(cells.get("number", ""), is_no)
    wording = cells.get("wording") or None
    evidence = {
        "origin": cells.get("source") or None,
        "document": cells.get("proof") or None,
        "wording": wording,
        "wording_sha256": hashlib.sha256(wording.encode()).hexdigest() if wording else None,
        "url": cells.get("url") or None,
        "actor": about.actor,
    }
    try:
        event = ConsentEvent(
            event_id=_event_id(about.tenant, number, cells),
            tenant=about.tenant,
            number=number,
            sender=cells.get("sender") or None,
            action=ConsentAction.OPT_OUT if is_no else ConsentAction.OPT_IN,
            source=ConsentSource.IMPORT,
            at=_date_opt_out(cells) if is_no else _date_opt_in(cells, about.now),
            evidence=Evidence.model_validate(evidence),
        )
    except ValidationError as error:
        raise _BadLine(str(error.errors()[0]["msg"])) from None
    return event, problem


def _read_number(written: str, is_no: bool) -> tuple[str, _BadLine | None]:
    """The number, and what is wrong with it, for an opt-out: a no is never lost because a digit
    is.  Any other line needs a number that could be texted."""
    number = e164(read_number_cell(written))
    if not number:
        raise _BadLine("number is empty", "number")
    why, _, fix = why_shortened(written).partition(": ")
    problem = validate_number(number).problem
    if not why and not problem:
        return number, None
    if not why:
        why, fix = PROBLEMS[problem]
    wrong = _BadLine(f"number: {why}", "number", fix)
    if not is_no:
        raise wrong
    return number, wrong


def _date_opt_in(cells: Mapping[str, str], now: datetime) -> datetime:
    for name in ("proof", "source"):
        if is_placeholder(cells[name]):
            raise _BadLine(f"{name} says nothing", name, "write where the signed form is kept")
    at = _parse_date(cells["date"])
    if problem := why_no_proof(at, now):
        raise _BadLine(f"date {problem}", "date")
    return at


def _date_opt_out(cells: Mapping[str, str]) -> datetime:
    """A no needs no date: it counts from when it is imported.

    What we put for none is always the same: the same line is then the same claim, and importing it
    again takes back no later yes."""
    try:
        return _parse_date(cells.get("date", ""))
    except _BadLine:
        return FIRST_TEXT


def _parse_date(written: str) -> datetime:
    """Parse a time with its zone, or a day, which begins in UTC.

    The gate orders claims by when they reach Kafka, not by this."""
    try:
        if RFC3339_DAY.fullmatch(written):
            return datetime.combine(date.fromisoformat(written), time(), UTC)
        at = parse_written_time(written)
    except ValueError:
        raise _BadLine(
            "date is none",
            "date",
            "write it as 2025-11-03, or with time and zone as 2025-11-03T14:05:00-05:00",
        ) from None
    if at.tzinfo is None:
        raise _BadLine(
            "date has a time without its zone", "date", "write 2025-11-03T14:05:00-05:00"
        )
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise _BadLine("date is outside of the years 1 to 9999", "date") from None


def _event_id(tenant: str, number: str, cells: Mapping[str, str]) -> str:
    """The same line gets the same id in every file, so the gate drops the repeat."""
    content = "\0".join(
        (tenant, number, *(cells.get(name, "") for name in (*REQUIRED[1:], *OPTIONAL)))
    )
    return "import-" + hashlib.sha256(content.encode()).hexdigest()[:32]
