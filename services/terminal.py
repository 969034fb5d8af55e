"""Print for people: tables on a terminal, plain columns in a pipe, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from services.display_text import VISIBLE

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


def console() -> Console:
    """Standard output.

    A file or a pipe gets plain text; NO_COLOR is honoured too."""
    return Console(
        highlight=False,
        soft_wrap=not sys.stdout.isatty(),
        width=None if sys.stdout.isatty() else _ENDLESS,
    )


def note(sentence: str) -> None:
    """Print a sentence on stderr, where a person reads it and a pipe does not."""
    print(sentence, file=sys.stderr, flush=True)


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
    print(json.dumps(value, ensure_ascii=False, default=str), flush=True)


def _plain(cell: Any) -> str:
    return (
        f"{cell:,}"
        if isinstance(cell, int) and not isinstance(cell, bool)
        else ""
        if cell is None
        else str(cell)
    )
