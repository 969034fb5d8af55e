"""Progress while it runs, tables when it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

WIDTH = 14
"""Characters of the longest bar."""


class Bar(NamedTuple):
    """`beside` is written after the value: a ratio, CPU time."""

    words: str
    value: float
    beside: tuple[str, ...] = ()


@contextmanager
def progress(console: Console) -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """`step(words, total)` begins a step and gives what to tell how far it is."""
    columns = (
        TextColumn("{task.description:<44}"),
        BarColumn(WIDTH),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:

        def step(words: str, total: int) -> Callable[[int], None]:
            for task in shown.task_ids:
                shown.remove_task(task)
            task = shown.add_task(words, total=total)
            return lambda done: shown.update(task, completed=done)

        yield step


def table(title: str, unit: str, bars: Iterable[Bar], *beside: str) -> Table:
    bars = list(bars)
    longest = max((bar.value for bar in bars), default=1.0)
    drawn = Table(title=title, title_justify="left", title_style="bold")
    drawn.add_column("", no_wrap=True)
    drawn.add_column(unit, justify="right", no_wrap=True)
    for heading in beside:
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("", width=WIDTH, no_wrap=True)
    for bar in bars:
        value = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:,.2f}"
        drawn.add_row(
            bar.words, value, *bar.beside, "█" * max(1, round(WIDTH * bar.value / (longest or 1)))
        )
    return drawn


def figures(title: str, rows: Iterable[tuple[str, float]]) -> Table:
    """Of different kinds: side by side, with nothing to compare."""
    drawn = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    drawn.add_column("", justify="right", no_wrap=True)
    drawn.add_column("")
    for words, value in rows:
        drawn.add_row(f"{value:,.0f}" if value >= 100 else f"{value:,.3f}", words)
    return drawn
