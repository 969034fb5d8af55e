"""What may take long shows on a terminal's stderr how far it is; a pipe gets nothing, not even a blank line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.console import Console

LATE: Final = 0.7
"""Seconds before anything shows: what is over by then needs no bar, and a flash of one disturbs."""


class Moved(Protocol):
    def __call__(self, done: int, of: int | None = None) -> None:
        """`done` by now; `of`, where it was not known before how many there are."""


class _Shown(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[Moved]:
    """Gone when it is over."""
    screen = _screen()
    if screen is None:
        yield lambda done, of=None: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=screen, transient=True)
    task = progress.add_task("", total=total)
    with _soon(progress):
        yield lambda done, of=None: progress.update(task, completed=done, total=of)


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """A sign of life, where nobody knows how long it takes."""
    screen = _screen()
    if screen is None:
        yield
        return
    with _soon(screen.status(what)):
        yield


def _screen() -> Console | None:
    """None where nobody looks on, or the terminal cannot move its cursor: Rich would end with a line of its own."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    screen = Console(stderr=True)
    return screen if screen.is_interactive else None


@contextmanager
def _soon(shown: _Shown) -> Iterator[None]:
    timer = threading.Timer(LATE, shown.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        shown.stop()
