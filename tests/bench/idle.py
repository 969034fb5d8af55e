"""What all processes of `sayso up` take while nothing comes: shares of a core, and memory."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

from tests.bench.ledger_watch import watch_ledger
from tests.bench.plan import Step
from tests.bench.stack import stack
from tests.bench.whole import since
from tests.soak.measures import size

REST: Final = 5.0
"""Seconds after the last consent was in the ledger: timers of the start have run out."""


class Idled(NamedTuple):
    """By process: `cores` as shares of one, `memory` as resident bytes."""

    cores: dict[str, float]
    memory: dict[str, int]


async def some_runs(
    bootstrap: str, seconds: float, runs: int, broker: int | None, step: Step
) -> list[Idled]:
    """One stack, looked at as often as there are runs.  Raises InUse, Refused or Stuck."""
    async with stack(bootstrap, broker) as up:
        async with watch_ledger(up) as kept:
            await kept.until_quiet(0)
            meter = kept.meter
        await asyncio.sleep(REST)
        found = []
        for run in range(runs):
            step(f"All idle, {seconds:g} s, run {run + 1} of {runs}", 1)
            began, before = time.perf_counter(), meter()
            await asyncio.sleep(seconds)
            took, spent = time.perf_counter() - began, since(before, meter())
            sizes = {name: size(pid, 0.0) for name, pid in up.pids.items()}
            cores = {name: cpu / took for name, cpu in spent.items()}
            found.append(Idled(cores, {name: one.memory for name, one in sizes.items() if one}))
        return found
