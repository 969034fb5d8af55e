"""Requests at an even rate, and what of them the ledger has seen delivered."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from schemas.send_request import SendRequest
from schemas.topics import SEND_REQUESTS
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.usage import count_by_state
from tests.bench import people

BEAT: Final = 0.1
"""Seconds between two handfuls."""
PATIENCE: Final = 60.0
"""Seconds without a change until it is said that nothing moves."""


class Stuck(Exception):
    """Into what the texts came instead."""


class Load:
    """`ledger`: its file, which somebody keeps up and which is asked what became of all."""

    def __init__(self, publisher: Publisher, ledger: Path) -> None:
        self._publisher, self._ledger = publisher, ledger
        self._requests: Iterator[SendRequest] = (
            one for n in itertools.count() for one in people.requests(10_000, f"soak-{n}")
        )
        self.asked = 0

    async def burst(self, count: int) -> float:
        """As many at once; messages a second until all are delivered.  Raises Stuck."""
        began = time.monotonic()
        await self._ask(count)
        await self.settled()
        return count / (time.monotonic() - began)

    async def steady(self, rate: float, seconds: float, beat: float = BEAT) -> None:
        """By the clock and not by pauses: a beat that came late is made good."""
        began, asked = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) - asked
            await self._ask(due)
            asked += due
            await asyncio.sleep(beat)

    async def settled(self) -> None:
        """Until all are delivered.  Raises Stuck."""
        known, moved = dict[str, int](), time.monotonic()
        while (states := await asyncio.to_thread(self._states)).get("delivered", 0) < self.asked:
            if states != known:
                known, moved = states, time.monotonic()
            if time.monotonic() - moved > PATIENCE:
                raise Stuck(
                    f"of {self.asked:,} texts not all were delivered within {PATIENCE:.0f} s: {states}"
                )
            await asyncio.sleep(0.5)

    def _states(self) -> dict[str, int]:
        ledger = Ledger.open(self._ledger, existing=True)
        try:
            return count_by_state(ledger)
        finally:
            ledger.close()

    async def _ask(self, count: int) -> None:
        await self._publisher.publish_all(SEND_REQUESTS, itertools.islice(self._requests, count))
        self.asked += count
