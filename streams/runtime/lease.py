"""How long a commit proves that the partition is still ours.

The broker fences what is written to Kafka; it cannot fence a call to somebody else.  An owner that slept between its
commit and its call (SIGSTOP, a suspended machine) must not make it: by then another owner has found the row.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Seconds, monotonic, and going on while the machine is suspended where the system has such a clock."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """Given with a commit, and counted from the moment before it was asked for: a machine may sleep between the
    broker's answer and our reading it.  Ask `held` immediately before the call."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = boot_time, since: float | None = None
    ) -> None:
        self._clock, self._until = clock, (clock() if since is None else since) + seconds

    @property
    def is_held(self) -> bool:
        return self._clock() < self._until

    def revoke(self) -> None:
        self._until = float("-inf")
