"""What a fault is: a name, a few words, and what is done to the stack while texts are asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.harness.stack import FaultStack


class Unmet(Exception):
    """The fault could not be made to happen here: it proves nothing, and says why."""


class NotSupported(Exception):
    """This machine does not allow it; why."""


@dataclass
class FaultContext:
    """One run.  `span` stretches or shortens every time in it; `notes` go into the table."""

    stack: FaultStack
    rng: random.Random
    span: float
    notes: list[str] = field(default_factory=list)
    rounds: int = 1
    """Of a fault that hurts one cluster several times."""
    wrong: list[str] = field(default_factory=list)
    """What must not be, in words, beside what the count of texts finds."""

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.span)


@dataclass(frozen=True)
class Fault:
    """Texts are asked for at `rate` a second for `seconds`, and `hurt` runs at the same time.
    After both all must come to rest, with never `patience` seconds in which nothing moves.
    `quick` is what `--quick` makes of every time. `alone`: on a stack of its own, as it hurts
    more than workers."""

    name: str
    words: str
    hurt: Callable[[FaultContext], Awaitable[None]]
    seconds: float = 12.0
    rate: float = 20.0
    patience: float = 120.0
    quick: float = 1.0
    alone: bool = False
    cluster: str | None = None
    """`combined` or `split`: three brokers, hurt in rounds; texts are asked for until it is over."""
    disk: int | None = None
    """Bytes of a small mount for the broker's data."""
