"""Read tables from CSV files, row by row; say what is wrong with a row that cannot be read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Protocol

from services.operations.errors import InvalidRequest


class OnProgress(Protocol):
    def __call__(self, done: int, of: int | None = None) -> None:
        """`done` by now; `of`, where the total was not known before."""


class Row(NamedTuple):
    """`line` is where the row begins, as an editor counts.  `problem` says why it has no cells."""

    line: int
    cells: list[str]
    problem: str = ""


class Table(NamedTuple):
    """`columns` are in lower case, with `_` for blanks.  `rows` leaves out blank lines."""

    columns: list[str]
    rows: Iterator[Row]


@contextmanager
def open_table(path: Path, *, strict: bool = False) -> Iterator[Table]:
    """Open a CSV file.  Raises InvalidRequest if it cannot be read.

    `strict` accepts only commas and well-formed quotes.  Bytes that are not UTF-8 become lone
    surrogates, so that the caller can name the cell.  A row of empty cells, one for each column, is
    no blank line then."""
    try:
        with path.open(
            encoding="utf-8-sig", errors="surrogateescape" if strict else "strict", newline=""
        ) as file:
            first = file.readline()
            delimiter = "," if strict else max(",;\t", key=first.count)
            reader = csv.reader(chain([first], file), delimiter=delimiter, strict=strict)
            try:
                names = next(reader, [])
            except csv.Error as error:
                raise InvalidRequest(f"{path}, line 1: this is not CSV: {error}") from None
            columns = [name.strip().lower().replace(" ", "_") for name in names]
            yield Table(columns, _read_rows(reader, len(columns) if strict else 0))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} cannot be read: it is not UTF-8 text") from None


class _Reader(Protocol):
    """What `csv.reader` makes."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


def _read_rows(reader: _Reader, full: int) -> Iterator[Row]:
    """A row of empty cells is left out, unless it has as many as a `full` one."""
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, [], f"this is not CSV: {error}")
            continue
        if any(cells) or (full and len(cells) == full):
            yield Row(line, cells)


def count_lines(path: Path) -> int:
    """The total for a progress bar.  Raises InvalidRequest."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
