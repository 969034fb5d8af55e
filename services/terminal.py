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
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from schemas.visible_text import IN_JSON, VISIBLE

_ENDLESS = 4000
"""Width of a pipe: other programs read it, so nothing may be folded."""

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


PROSE = {"", "meaning", "because", "proof", "about", "name"}
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
        if (
            self.__rich_measure__(console, options.update_width(_ENDLESS)).minimum
            > options.max_width
        ):
            for column in self.columns:
                column.no_wrap = False
        yield from super().__rich_console__(console, options)


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Build a table.  A column whose name ends in # holds numbers, set to the right."""
    made = _Whole(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
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
