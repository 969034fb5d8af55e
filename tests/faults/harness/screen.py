"""Progress while it runs, a table when it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tests.faults.harness.catalog import FAULTS
from tests.faults.harness.verdict import Verdict


@contextmanager
def progress(
    console: Console, total: int
) -> Iterator[tuple[Callable[[str], None], Callable[[Verdict], None]]]:
    """How to report on the fault that runs now, and on one that has ended."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(14),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=total)

        def done(verdict: Verdict) -> None:
            shown.advance(task)
            shown.console.print(_summary(verdict))

        yield (lambda words: shown.update(task, description=words)), done


def table(verdicts: Iterable[Verdict]) -> Table:
    drawn = Table(
        title="Faults", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    drawn.add_column("", no_wrap=True)
    for heading in (
        "runs",
        "texts",
        "lost",
        "twice",
        "doubts",
        "person",
        "wait",
        "slow",
        "pace",
        "s",
    ):
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    drawn.caption = (
        "person: doubts left to one; wait: proven absent, to go again later; slow: the slowest resolved, seconds; "
        "pace: the largest window ratio"
    )
    for one in verdicts:
        numbers = (
            one.runs,
            one.texts,
            _bad(one.lost),
            _bad(one.sent_twice),
            one.doubts,
            one.in_doubt,
            one.waiting,
            one.slowest_resolve_seconds,
            f"{one.pace_ratio:.2f}",
            f"{one.seconds:.0f}",
        )
        cells = [one if isinstance(one, Text) else str(one) for one in numbers]
        drawn.add_row(one.fault, *cells, _mark(one))
    return drawn


def _summary(one: Verdict) -> Text:
    words = FAULTS[one.fault].words + (f" ({one.note})" if one.note else "")
    return Text.assemble(_mark(one), f" {words}", *[f"\n      {wrong}" for wrong in one.wrong])


def _mark(one: Verdict) -> Text:
    if not one.runs:
        return Text("  -  ", style="yellow")
    return Text("holds", style="green") if one.passed else Text("FAILS", style="bold red")


def _bad(count: int) -> Text:
    return Text(str(count), style="bold red" if count else "green")
