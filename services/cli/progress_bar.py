"""Show on a terminal's stderr how far long work is.  A pipe gets nothing, not even a blank line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.operations.table_file import OnProgress
from services.terminal import error_console

LATE: Final = 0.7
"""Seconds before anything shows: what is over by then needs no bar, and a flash of one disturbs."""


class _Display(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def progress_bar(what: str, total: int | None = None) -> Iterator[OnProgress]:
    """Gone when it is over."""
    screen = _screen()
    if screen is None:
        yield lambda done, of=None: None
        return
    columns = (
        TextColumn(what, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=screen, transient=True)
    task = progress.add_task("", total=total)
    with _show_late(progress):
        yield lambda done, of=None: progress.update(task, completed=done, total=of)


@contextmanager
def show_waiting(what: str) -> Iterator[None]:
    """A sign of life, where nobody knows how long it takes."""
    screen = _screen()
    if screen is None:
        yield
        return
    with _show_late(screen.status(what)):
        yield


def _screen() -> Console | None:
    """None where nobody looks on, or the terminal cannot move its cursor: Rich would end with a
    line of its own."""
    if not sys.stderr.isatty():
        return None
    screen = error_console()
    return screen if screen.is_interactive else None


@contextmanager
def _show_late(display: _Display) -> Iterator[None]:
    timer = threading.Timer(LATE, display.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        display.stop()
