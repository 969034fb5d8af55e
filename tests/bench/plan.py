"""What a bench is told, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.console import RenderableType

from tests.bench.results import Result

Step = Callable[[str, int], Callable[[int], None]]
"""Begins a step of so many, by its words; gives what to tell how far it is."""
Measured = tuple[list[Result], RenderableType]


class Plan(NamedTuple):
    """Sizes are explained at the options of the command line.  `steady` and `idle` are seconds."""

    events: int
    requests: int
    messages: int
    rows: int
    queued: int
    backlog: int
    lives: int
    parties: int
    reminders: int
    listed: int
    steady: float
    idle: float
    runs: int
    only: tuple[str, ...]


class Broker(NamedTuple):
    """`pid` None: somebody else's."""

    bootstrap: str
    pid: int | None
