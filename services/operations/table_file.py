"""Read tables from CSV files, row by row; say what is wrong with a row that cannot be read.

Theory of operation
-------------------
There is one reader for every file that people bring.  Cells are separated by commas, semicolons or
tabs, whichever the header uses.  The text is UTF-8.

A quote that is left open would swallow the rows after it.  A cell may hold line breaks, so we try
to read a row over several lines.  If that gives no row, or if one of those lines is a row by
itself, the quote was left open: its line is named, and reading goes on with the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from schemas.base import IDENTITY
from schemas.numbers import e164
from services.operations.errors import InvalidRequest

DELIMITERS: Final = ",;\t"
LINES_AT_MOST: Final = 200
"""Lines of one row; a cell is a note, not a file."""
_MARKS: Final = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_SAVE_AS: Final = "save it as UTF-8 (in Excel, as `CSV UTF-8`)"
_MARKED_AS_TEXT: Final = re.compile(r"^\s*['’](?=[+0-9(])")
_SHORTENED: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+|\+?[0-9]{7,}[.,]0+")
_FEWEST_DIGITS: Final = 7


class OnProgress(Protocol):
    def __call__(self, done: int, of: int | None = None) -> None:
        """`done` by now; `of`, where the total was not known before."""


class HeldFile(NamedTuple):
    """A file in memory, such as a browser has sent.  Messages name it."""

    name: str
    data: bytes

    def open(self, mode: str = "rb") -> BinaryIO:
        assert mode == "rb"
        return io.BytesIO(self.data)

    def __str__(self) -> str:
        return self.name


Source = Path | HeldFile


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
def open_table(path: Source, *, strict: bool = False) -> Iterator[Table]:
    """Open a CSV file.  Raises InvalidRequest if it cannot be read.

    `strict`: bytes that are not UTF-8 become lone surrogates, so that the caller can name the cell;
    otherwise they raise InvalidRequest, with their line.  A row of empty cells, one for each
    column, is no blank line then."""
    try:
        with path.open("rb") as file:
            _require_utf8(path, file)
            yield _Lines(path, file, strict).read()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None


def why_shortened(cell: str) -> str:
    """What is wrong with a number of many digits that a spreadsheet has rounded; empty: nothing."""
    if not _SHORTENED.fullmatch(cell.strip()):
        return ""
    return "a spreadsheet has shortened it: make the column text, and enter the number again"


def read_number_cell(cell: str) -> str:
    """Without the apostrophe by which spreadsheets mark digits as text: some write it out."""
    return _MARKED_AS_TEXT.sub("", cell)


def _require_utf8(path: Source, file: BinaryIO) -> None:
    """Raises InvalidRequest for the encodings that show at the file's beginning."""
    start = file.read(4)
    found = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    pairs = (start[0::2], start[1::2])
    if not found and len(start) == 4 and any(one == b"\0\0" for one in pairs):
        found = "UTF-16" if start.count(0) == 2 else ""
    if found:
        raise InvalidRequest(f"{path} cannot be read: it is not UTF-8 text but {found}: {_SAVE_AS}")
    file.seek(len(_UTF8_MARK) if start.startswith(_UTF8_MARK) else 0)


class _Lines:
    """The lines of a file, and how its rows are read."""

    def __init__(self, path: Source, file: Iterable[bytes], strict: bool) -> None:
        self._path = path
        self._strict = strict
        self._lines = self._decode(file)
        self._ahead: deque[str] = deque()
        self._line = 0
        self._delimiter = ","
        self._columns: list[str] = []
        self._unnamed = 0
        """Columns at the end without a name, as spreadsheets leave them."""

    def read(self) -> Table:
        """Raises InvalidRequest for a header that cannot be read."""
        header = self._next() or ""
        if re.fullmatch(r"(?i)sep=[,;\t]\s*", header):  # Excel writes it
            header = self._next() or ""
        self._delimiter = max(DELIMITERS, key=header.count)
        names, problem = self._split([header])
        while problem is _OPEN and self._line < LINES_AT_MOST and (more := self._next()):
            header += more
            names, problem = self._split([header])
        if problem:
            raise self._refuse(1, problem)
        self._columns = [_name_column(name) for name in names]
        while self._columns and not self._columns[-1]:
            self._columns.pop()
            self._unnamed += 1
        for name in self._columns:
            if name and self._columns.count(name) > 1:
                raise self._refuse(1, f"the column {name!r} is there twice")
            if any("\ud800" <= sign <= "\udfff" for sign in name):
                raise self._refuse(1, f"it is not UTF-8 text: {_SAVE_AS}")
        return Table(self._columns, self._read_rows())

    def _refuse(self, line: int, why: str) -> InvalidRequest:
        return InvalidRequest(f"{self._path}, line {line}: {why}")

    def _decode(self, file: Iterable[bytes]) -> Iterator[str]:
        """Lines as an editor counts them, with their ends; old Macs wrote `\\r` alone."""
        number = 0
        for data in file:
            for part in re.findall(rb"[^\r]*\r\n?|[^\r]+", data):
                number += 1
                try:
                    yield part.decode()
                except UnicodeDecodeError:
                    if not self._strict:
                        why = f"it is not UTF-8 text: {_SAVE_AS}"
                        raise self._refuse(number, why) from None
                    yield part.decode(errors="surrogateescape")

    def _next(self) -> str | None:
        line = self._ahead.popleft() if self._ahead else next(self._lines, None)
        self._line += line is not None
        return line

    def _peek(self, count: int) -> str | None:
        """The line `count` lines ahead."""
        while len(self._ahead) <= count:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[count]

    def _split(self, lines: list[str]) -> tuple[list[str], str]:
        try:
            rows = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            is_open = str(error) == "unexpected end of data"
            return [], _OPEN if is_open else f"this is not CSV: {error}"
        return [cell.strip() for cell in (rows[0] if rows else [])], ""

    def _read_rows(self) -> Iterator[Row]:
        while (text := self._next()) is not None:
            line = self._line
            cells, problem = self._split([text])
            if problem is _OPEN:
                cells, problem = self._read_on(text)
            if "\0" in text:
                yield Row(line, [], "it holds a NUL character")
            elif problem:
                yield Row(line, [], problem)
            elif row := self._fit(line, cells):
                yield row

    def _read_on(self, text: str) -> tuple[list[str], str]:
        """A row over several lines.  If there is none, nothing after its first line is used up."""
        lines = [text]
        while len(lines) < LINES_AT_MOST and (more := self._peek(len(lines) - 1)) is not None:
            lines.append(more)
            cells, problem = self._split(lines)
            if problem is _OPEN:
                continue
            if problem or any(self._is_row(line) for line in lines[1:]):
                break
            for _ in lines[1:]:
                self._next()
            return cells, ""
        return [], _OPEN

    def _is_row(self, line: str) -> bool:
        """Whether a line is somebody's row by itself, and no part of a cell."""
        cells, problem = self._split([line])
        if problem or len(cells) != len(self._columns):
            return False
        row = dict(zip(self._columns, cells, strict=True))
        digits = sum(sign.isdigit() for sign in e164(row.get("number", "")))
        return digits >= _FEWEST_DIGITS or bool(IDENTITY.fullmatch(row.get("person_id", "")))

    def _fit(self, line: int, cells: list[str]) -> Row | None:
        """None for a row without anything in it."""
        spare = self._unnamed
        while spare and len(cells) > len(self._columns) and not cells[-1]:
            cells.pop()
            spare -= 1
        if any(cells) or (self._strict and len(cells) == len(self._columns)):
            return Row(line, cells)
        return None


_OPEN: Final = "this is not CSV: a quote is opened and not closed"


def _name_column(written: str) -> str:
    return re.sub(r"[\s_]+", "_", written.replace("\ufeff", "").strip().lower())


def count_lines(path: Path) -> int:
    """The total for a progress bar.  Raises InvalidRequest."""
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
