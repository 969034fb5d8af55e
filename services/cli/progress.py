"""Counts while something runs: one table that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.local.demo.tally import Tally

Show = Callable[["Tally", str], None]
_EVERY = 2.0
"""Seconds between lines where there is no terminal."""


@contextmanager
def progress() -> Iterator[Show]:
    """On stderr: what is printed in the end can be piped."""
    if sys.stderr.isatty():
        yield from _live()
    else:
        yield _lines()


def _live() -> Iterator[Show]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.spinner import Spinner

    spinner = Spinner("dots")
    with Live(spinner, console=Console(stderr=True), refresh_per_second=8) as live:

        def show(now: Tally, doing: str) -> None:
            spinner.update(text=doing)
            live.update(now.table() if doing == "done" else Group(now.table(), spinner))

        yield show


def _lines() -> Show:
    last = 0.0

    def show(now: Tally, doing: str) -> None:
        nonlocal last
        if doing == "done" or time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            print(f"  {now.line()}", file=sys.stderr, flush=True)

    return show
