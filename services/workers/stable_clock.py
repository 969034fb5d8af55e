"""A worker's clock: the machine's clock without its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from streams.runtime.timing import boot_time

SMALL_STEP: Final = 1.0
"""Seconds by which a clock may be corrected between two readings; more is a step."""
BELIEVED_AFTER: Final = 20.0
"""Seconds that a step must last."""


class ClockStepped(Exception):
    """The machine's clock was set, and stayed so. A process that starts now uses the new time."""


class StableClock:
    """Seconds since 1970 that go on evenly while the `wall` clock steps.

    State entries say when something is due. If the clock were an hour ahead for a moment, what is
    timed then would wait for an hour after the clock is right again. So a step is not followed. If
    it lasts, the worker exits (ClockStepped), and its successor uses the new time. `elapsed` goes
    on while the machine sleeps, so waking up is no step."""

    def __init__(
        self, wall: Callable[[], float] = time.time, elapsed: Callable[[], float] = boot_time
    ) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._offset = wall() - elapsed()
        self._stepped_at: float | None = None

    def __call__(self) -> float:
        elapsed = self._elapsed()
        step = self._wall() - elapsed - self._offset
        if abs(step) <= SMALL_STEP:
            self._offset += step
            self._stepped_at = None
        elif self._stepped_at is None:
            self._stepped_at = elapsed
        elif elapsed - self._stepped_at > BELIEVED_AFTER:
            raise ClockStepped(f"the clock was set by {step:+.0f} s")
        return elapsed + self._offset
