"""A worker's clock: the machine's, but for steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from streams.runtime.lease import boot_time

USUAL: Final = 1.0
"""Seconds by which a clock may be put right between two looks without being taken for stepped."""
BELIEVED: Final = 20.0
"""Seconds that a step must last."""


class ClockStepped(Exception):
    """The machine's clock was set, and stayed so: who is started now begins by it."""


class StableClock:
    """Seconds since 1970 that flow on through a step of `wall`.

    Rows say when something is due.  An hour ahead for a moment, and what was timed then would wait for an hour after
    the clock is right again.  So a step is not followed; one that lasts is, by a new process (Stepped).  `flow` goes on
    while the machine sleeps, so that waking from sleep is no step."""

    def __init__(
        self, wall: Callable[[], float] = time.time, flow: Callable[[], float] = boot_time
    ) -> None:
        self._wall, self._flow = wall, flow
        self._ahead = wall() - flow()
        self._since: float | None = None

    def __call__(self) -> float:
        flow = self._flow()
        step = self._wall() - flow - self._ahead
        if abs(step) <= USUAL:
            self._ahead, self._since = self._ahead + step, None
        elif self._since is None:
            self._since = flow
        elif flow - self._since > BELIEVED:
            raise ClockStepped(f"the clock was set by {step:+.0f} s")
        return flow + self._ahead
