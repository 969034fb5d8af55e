"""`sayso usage --log`: every message of a period, row by row as it comes out of the ledger."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from schemas.numbers import e164, mask_number
from services.cli.bar import bar
from services.cli.screen import ON_ONE_LINE
from services.cli.usage import Form

if TYPE_CHECKING:
    from services.ledger.message_log import Line, Period

WIDTHS: Final = {
    "requested_at": 20,
    "tenant": 12,
    "to": 14,
    "kind": 14,
    "message_id": 28,
    "state": 12,
    "code": 8,
    "description": 0,
}
"""Of the table's columns, in characters: it is printed while it is read, so they cannot wait for the longest."""
STEP: Final = 500
"""Messages between two looks at the bar."""


def print_log(bootstrap: str | None, state: Path, period: Period, form: Form, unmask: bool) -> None:
    from services.cli.kafka import ledger
    from services.ledger.message_log import created, how_many

    write = {Form.TABLE: as_table, Form.CSV: as_csv, Form.JSONL: as_json_lines}[form]
    with ledger(bootstrap, state, period.tenant) as opened:
        lines = (line if unmask else _hidden(line) for line in created(opened, period))
        write(_watched(lines, how_many(opened, period)), sys.stdout.write)


def as_table(lines: Iterable[Line], write: Callable[[str], object]) -> None:
    write(_row({name: name for name in WIDTHS}))
    for line in lines:
        write(_row(line._asdict() | {"requested_at": line.requested_at[:19]}))


def as_csv(lines: Iterable[Line], write: Callable[[str], object]) -> None:
    from services.ledger.message_log import Line

    out = csv.writer(SimpleNamespace(write=write))
    out.writerow(Line._fields)
    out.writerows(([_tame(cell) for cell in line]) for line in lines)


def as_json_lines(lines: Iterable[Line], write: Callable[[str], object]) -> None:
    for line in lines:
        write(json.dumps(line._asdict(), ensure_ascii=False) + "\n")


def _row(cells: dict[str, object]) -> str:
    seen = {name: str(cells[name]).translate(ON_ONE_LINE) for name in WIDTHS}
    return (
        "  ".join(
            seen[name][: width or None].ljust(width) for name, width in WIDTHS.items()
        ).rstrip()
        + "\n"
    )


def _tame(cell: object) -> object:
    """A spreadsheet runs what begins like a formula; a number in E.164 is none."""
    text = str(cell)
    signed = text[:1] in ("+", "-") and not text[1:2].isdigit()
    return f"'{text}" if signed or text[:1] in ("=", "@", "\t", "\r") else cell


def _hidden(line: Line) -> Line:
    return line._replace(to=mask_number(e164(line.to))) if line.to else line


def _watched(lines: Iterator[Line], total: int) -> Iterator[Line]:
    """With a progress bar, where the lines go elsewhere."""
    if sys.stdout.isatty():
        yield from lines
        return
    with bar("messages", total) as moved:
        for done, line in enumerate(lines, 1):
            yield line
            if done % STEP == 0:
                moved(done)
