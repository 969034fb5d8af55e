"""Looks at every process and at every partition's lag, every few seconds, until it is told to
stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from services.cli.lag import SAMPLES
from services.observability.lag_monitor import LagMonitor
from services.observability.lag_report import Verdict
from streams.topology import PROCESSORS
from tests.soak.measures import Grown, Size, grown, percentile, size

EVERY: Final = 2.0
"""Seconds between two looks."""


GROUPS: Final = {
    f"sayso.{room.name}": [topic.name for topic in room.inputs] for room in PROCESSORS.values()
}


class Seen:
    """`lags`: of each look, seconds, each room's oldest unread record."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.sizes: dict[str, list[Size]] = {}
        self.lags: list[float] = []
        self.bad: set[str] = set()

    @property
    def lag_p99(self) -> float:
        return percentile(0.99, self.lags)

    def grown(self, warm: float) -> list[Grown]:
        return [grown(name, sizes, warm) for name, sizes in sorted(self.sizes.items()) if sizes]

    async def look(self, processes: Mapping[str, int], watch: LagMonitor) -> None:
        for name, pid in processes.items():
            if one := size(pid, time.monotonic() - self.began):
                self.sizes.setdefault(name, []).append(one)
        found = await watch.take_sample()
        for group in found.states:
            self.lags.append(
                max((line.seconds for line in found.lines if line.group == group), default=0.0)
            )
        self.bad |= {
            f"{line.group} {line.verdict}: {line.cause}"
            for line in found.lines
            if line.verdict in (Verdict.STALLED, Verdict.STOPPED)
        }


@asynccontextmanager
async def watching(bootstrap: str, processes: Mapping[str, int]) -> AsyncIterator[Seen]:
    seen = Seen()
    async with LagMonitor(bootstrap, GROUPS) as watch:
        looking = asyncio.create_task(_looking(seen, processes, watch))
        try:
            yield seen
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking


async def worst(bootstrap: str) -> str:
    """Where it is stuck, as `sayso lag` has it."""
    async with LagMonitor(bootstrap, GROUPS) as watch:
        for _ in range(SAMPLES):
            await asyncio.sleep(1)
            found = await watch.take_sample()
    line = found.lines[0]
    return f"{line.group} {line.topic}/{line.partition}: {line.lag} to read, {line.verdict} {line.cause}"


async def _looking(seen: Seen, processes: Mapping[str, int], watch: LagMonitor) -> None:
    while True:
        await seen.look(processes, watch)
        await asyncio.sleep(EVERY)
