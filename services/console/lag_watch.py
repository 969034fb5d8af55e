"""How far processors are behind, sampled while somebody looks at the page of operations."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from services.kafka.topics import MAIL_GROUP
from services.observability.lag_monitor import LagError, LagMonitor, list_read_topics
from services.observability.lag_report import LagReport

EVERY: Final = 2.0
"""Seconds between two samples."""
IDLE: Final = 60.0
"""Seconds without anybody who looks, after which nothing is sampled any more."""


class LagWatch:
    """Asks the broker, not the workers: so it shows a worker that is dead or stuck."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._task: asyncio.Task[None] | None = None
        self._wanted_at = 0.0
        self.report: LagReport | None = None
        """None: nobody has looked yet, or the broker cannot be asked."""
        self.problem = ""

    def want(self) -> None:
        """Somebody looks."""
        self._wanted_at = asyncio.get_running_loop().time()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with LagMonitor(self._bootstrap, list_read_topics(), {MAIL_GROUP}) as monitor:
                while loop.time() - self._wanted_at < IDLE:
                    self.report = await monitor.take_sample()
                    self.problem = ""
                    await asyncio.sleep(EVERY)
        except LagError as error:
            self.report, self.problem = None, str(error)
