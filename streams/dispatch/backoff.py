"""How a sender slows down when the provider says "too many", and recovers."""

from __future__ import annotations

from math import isfinite

FIRST = 0.5
LONGEST = 10.0
"""Seconds.  A provider that takes texts again is noticed within ten seconds."""
HONOURED = 3600.0
"""Seconds: a longer `Retry-After` is cut to this."""


class BackOff:
    """Calls that were under way together are slowed for once: each carries the `round` in which it began."""

    def __init__(self) -> None:
        self.round = 0
        self._seconds = 0.0

    def slowed(self, began: int, retry_after: float | None) -> float:
        """Seconds for which nothing should go."""
        asked = (
            min(max(retry_after, 0.0), HONOURED)
            if retry_after is not None and isfinite(retry_after)
            else 0.0
        )
        if began == self.round:
            self.round += 1
            self._seconds = min(LONGEST, self._seconds * 2) or FIRST
            return asked or self._seconds
        return asked

    def went(self, began: int) -> None:
        """A call that began after the last slowing got an answer of another kind."""
        if began == self.round:
            self._seconds = 0.0
