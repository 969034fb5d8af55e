"""The account's ceilings, beyond which 20429 is the answer: calls at once, and calls per second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.local.simulator.clock import Clock
from services.local.simulator.script import Script


class Ceilings:
    def __init__(self, script: Script, clock: Clock) -> None:
        self._script = script
        self._clock = clock
        self.under_way = 0
        self._tokens, self._filled_at = script.per_second or 0.0, 0.0

    @contextmanager
    def call(self) -> Iterator[bool]:
        """Whether this call is within them."""
        self.under_way += 1
        try:
            few = self._script.concurrency is None or self.under_way <= self._script.concurrency
            yield few and self._token()
        finally:
            self.under_way -= 1

    def _token(self) -> bool:
        """A bucket that holds one second's worth."""
        rate, now = self._script.per_second, self._clock.now()
        if rate is None:
            return True
        self._tokens = min(rate, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
