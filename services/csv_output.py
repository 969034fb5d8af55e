"""Write CSV that a spreadsheet shows as it was written.

A spreadsheet runs a cell that begins like a formula, and the cells come from producers and from
people who text us.  Such a cell gets an apostrophe before it, as OWASP recommends ("CSV
Injection").  All exports are written here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final, Protocol

_NUMBER: Final = re.compile(r"\+[0-9]+")
"""A whole number in E.164 is no formula: it may begin with its plus."""
_STARTS: Final = frozenset("=+-@\N{MINUS SIGN}")
"""Begin a formula; spreadsheets take full-width and small variants for them as well."""
_BREAKS: Final = frozenset("\t\r\n\0")
"""Begin another cell or row in some spreadsheets."""
_ROWS_OF_A_PIECE: Final = 200


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def write_csv(file: Writable, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """The rows are written one by one, as they come."""
    for _ in _write_rows(file, header, rows):
        pass


def iterate_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The same, in pieces of some rows each, for whoever sends them on."""
    buffer = io.StringIO()
    for written in _write_rows(buffer, header, rows):
        if written % _ROWS_OF_A_PIECE == 0:
            yield _take(buffer)
    yield _take(buffer)


def _write_rows(
    file: Writable, header: Iterable[str], rows: Iterable[Iterable[object]]
) -> Iterator[int]:
    """How many rows are written, after each."""
    writer: Any = csv.writer(file)  # ends rows with CR LF, so that it quotes a lone CR as well
    for count, row in enumerate(chain([header], rows)):
        writer.writerow([escape_formula(cell) for cell in row])
        yield count


def _take(buffer: io.StringIO) -> str:
    taken = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return taken


def escape_formula(cell: object) -> object:
    """Numbers of our own stay numbers."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    text = str(cell)
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    if text[:1] in _BREAKS:
        return bool(text)
    shown = next((sign for sign in text if not _is_skipped(sign)), "")
    starts = unicodedata.normalize("NFKC", shown)[:1] in _STARTS if shown else False
    return starts and _NUMBER.fullmatch(text) is None


def _is_skipped(sign: str) -> bool:
    """Blanks, quotes and signs that show nothing: some spreadsheets look behind them."""
    return sign.isspace() or sign in "\"'" or unicodedata.category(sign) in ("Cc", "Cf", "Zs")
