"""When the ledger is quiet, and what had been spent by then.

Only the ledger's file is asked.  The broker's CPU is measured too, and even ten questions a
second about the ends of its topics cost it 2 % of a core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from schemas.topics import OUTCOMES, USAGE_REPORT
from services.ledger import Ledger
from tests.bench.process import cpu_meter
from tests.bench.stack import Stack
from tests.bench.watch import PATIENCE, Meter, Progress, Stuck, unseen

EVERY: Final = 0.1
QUIET: Final = 1.5
"""Seconds without a move after which the ledger is quiet; usage and the ledger gather for half a
second."""
LAST: Final = (OUTCOMES.name, USAGE_REPORT.name)
"""What the ledger reads last of a message: usage counts an outcome, and says so."""
_DELIVERED: Final = "SELECT count(*) AS n FROM outcomes WHERE state = 'delivered'"


class LedgerWatch:
    """`moved_at`, `spent`: when they last moved, and what the meter said then; the wait that
    finds out that they are quiet does not count."""

    def __init__(self, ledger: Ledger, meter: Meter) -> None:
        self._ledger, self.meter = ledger, meter
        self.moved_at, self.spent = time.perf_counter(), meter()
        self._stand: Any = None

    def look(self) -> None:
        stand = {place: at for place, at in self._ledger.positions().items() if place.topic in LAST}
        if stand != self._stand:
            self._stand, self.moved_at, self.spent = stand, time.perf_counter(), self.meter()

    def delivered(self) -> int:
        """Texts, since the house began."""
        return int(self._ledger.rows(_DELIVERED)[0]["n"])

    async def until_quiet(self, wanted: int, progress: Progress = unseen) -> None:
        """So many texts delivered since the house began, counted, and in the ledger.  Raises
        Stuck."""
        while True:
            self.look()
            there, quiet = self.delivered(), time.perf_counter() - self.moved_at
            progress(min(there, wanted))
            if there >= wanted and quiet > QUIET:
                return
            if quiet > PATIENCE:
                raise Stuck(
                    f"{there} of {wanted} texts were delivered, and no more for {PATIENCE:.0f} s"
                )
            await asyncio.sleep(EVERY)


@asynccontextmanager
async def watch_ledger(up: Stack) -> AsyncIterator[LedgerWatch]:
    ledger = Ledger.open(up.ledger, existing=True)
    try:
        yield LedgerWatch(ledger, cpu_meter(up.pids))
    finally:
        ledger.close()
