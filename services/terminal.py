"""Print for people: tables on a terminal, plain columns in a pipe, JSON on request.

Everything that a command prints goes through here.  No control or directional character of the data
reaches a terminal or a pipe, and square brackets in the data are no markup."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from schemas.visible_text import IN_JSON, VISIBLE

_ENDLESS = 4000
"""Width of a pipe: other programs read it, so nothing may be folded."""

_NAMED = ("#", "leaves", "reminder", "waiting", "with")
"""How columns end that nobody could tell without their name."""
_GAP = 2
"""Blanks between two columns."""

COLOURS = {
    "delivered": "green",
    "sent": "green",
    "send": "green",
    "opted_in": "green",
    "accepted": "green",
    "failed": "red",
    "undelivered": "red",
    "reject": "red",
    "rejected": "red",
    "opted_out": "red",
    "refused": "red",
    "hold": "yellow",
    "held": "yellow",
    "queued": "yellow",
    "deferred": "yellow",
    "in_doubt": "magenta",
    "expire": "dim",
    "expired": "dim",
    "cancel": "dim",
    "canceled": "dim",
}
"""Each word has one colour on every screen."""


PROSE = {"", "meaning", "because", "proof", "about", "name", "text", "they wrote last"}
"""Columns that are folded first on a narrow screen."""


class SafeConsole(Console):
    """Writes no control or directional character but its own."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            segment
            if segment.control
            else Segment(segment.text.translate(VISIBLE), segment.style, segment.control)
            for segment in buffer
        )


def console() -> Console:
    """Standard output.

    A file or a pipe gets plain text; NO_COLOR is honoured too."""
    write_unprintable_as_escapes()
    return SafeConsole(
        highlight=False,
        markup=False,
        soft_wrap=not sys.stdout.isatty(),
        width=None if sys.stdout.isatty() else _ENDLESS,
    )


def error_console() -> Console:
    return SafeConsole(stderr=True, highlight=False, markup=False)


def write_unprintable_as_escapes() -> None:
    """A terminal of another encoding than UTF-8 gets `\\u2713` for what it cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if (reconfigure := getattr(stream, "reconfigure", None)) is not None:
            reconfigure(errors="backslashreplace")


def markup(template: str, *values: object) -> Text:
    """Rich markup with values in it: `markup("[bold]{}[/] is out", name)`."""
    return Text.from_markup(template.format(*(escape(str(value)) for value in values)))


def say(line: str, end: str = "\n") -> None:
    """Print a line of plain text on stdout."""
    write_unprintable_as_escapes()
    print(line.translate(VISIBLE), end=end, flush=True)


def note(sentence: str) -> None:
    """Print a sentence on stderr, where a person reads it and a pipe does not."""
    write_unprintable_as_escapes()
    print(sentence.translate(VISIBLE), file=sys.stderr, flush=True)


class SafeOutput:
    """Stdout for those that write a file's format to it, such as CSV."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """CSV ends a row with CR LF, and writes a row at once."""
        row = text.removesuffix("\r\n")
        return self._stream.write(row.translate(VISIBLE) + text[len(row) :])


def color_word(word: str) -> Text:
    return Text(word.translate(VISIBLE), style=COLOURS.get(word, ""))


class _Whole(Table):
    """A table that folds its cells on a narrow screen and never cuts them.

    Half a number would be another number."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._width(console, options, whole=False) > options.max_width:
            for column in self.columns:
                column.no_wrap = False
        yield from super().__rich_console__(console, options)

    def fits(self, screen: Console) -> bool:
        """With each row on one line."""
        return self._width(screen, screen.options, whole=True) <= screen.options.max_width

    def _width(self, console: Console, options: ConsoleOptions, whole: bool) -> int:
        """Columns that needed it; of those that may be folded, their longest word, or the `whole`.

        Rich itself counts the longest word also where a column is not folded."""
        endless = options.update_width(_ENDLESS)
        width = 0
        for column in self.columns:
            cells = [
                Measurement.get(console, endless, one) for one in (column.header, *column.cells)
            ]
            kept = whole or column.no_wrap
            width += max(one.maximum if kept else one.minimum for one in cells)
        return width + _GAP * (len(self.columns) - 1)


def drop_empty(
    columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Without the columns that say nothing in any row: a narrow screen has better use for them."""
    kept = [n for n in range(len(columns)) if any(row[n] not in ("", None) for row in rows)]
    return [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]


def print_texts(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], text: str, title: str | None = None
) -> None:
    """Print a table; where it does not fit the screen, the cells of a row, and its text below.

    `text`: the column that people came to read.  In a narrow column it would be a word a line."""
    screen = console()
    made = table(title, columns, rows)
    if made.fits(screen):
        screen.print(made)
        return
    if title:
        screen.print(title, style="bold")
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        words = cells.pop(text)
        told = (
            f"{name.rstrip('#')} {_plain(cell)}" if cell and name.endswith(_NAMED) else cell
            for name, cell in cells.items()
        )
        shown = [cell if isinstance(cell, Text) else color_word(_plain(cell)) for cell in told]
        screen.print(Text("  ").join(cell for cell in shown if cell.plain))
        screen.print(Padding(words if isinstance(words, Text) else _plain(words), (0, 0, 0, 4)))


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> _Whole:
    """Build a table.  A column whose name ends in # holds numbers, set to the right."""
    made = _Whole(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        header_style="bold",
    )
    for column in columns:
        made.add_column(
            column.rstrip("#"),
            justify="right" if column.endswith("#") else "left",
            no_wrap=column not in PROSE,
            overflow="fold",
        )
    for row in rows:
        made.add_row(
            *(cell if isinstance(cell, Text) else color_word(_plain(cell)) for cell in row)
        )
    return made


_LONGEST = 40
"""Characters of the longest bar."""


def draw_bars(counts: Sequence[tuple[str, int]]) -> Table:
    """One bar a line, as long as its share of the largest count; only zero has no bar."""
    most = max((count for _, count in counts), default=0) or 1
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(justify="right", no_wrap=True)
    made.add_column(no_wrap=True)
    for word, count in counts:
        bar = "█" * max(round(_LONGEST * count / most), bool(count))
        made.add_row(color_word(word), f"{count:,}", Text(bar, style=COLOURS.get(word, "")))
    return made


def print_json(value: Any) -> None:
    """What a terminal would obey is escaped, and reads back as it was."""
    write_unprintable_as_escapes()
    print(json.dumps(value, ensure_ascii=False, default=str).translate(IN_JSON), flush=True)


def _plain(cell: Any) -> str:
    return (
        f"{cell:,}"
        if isinstance(cell, int) and not isinstance(cell, bool)
        else ""
        if cell is None
        else str(cell)
    )
