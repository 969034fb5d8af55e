"""Wait for what is bound to happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.local.simulator import Simulator

LONGEST = 30.0


async def until(there: Callable[[], object]) -> None:
    """Seconds are only a limit for what never comes."""
    async with asyncio.timeout(LONGEST):
        # what is waited for happens in other tasks and processes
        while not there():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def quiet(simulator: Simulator) -> None:
    """Until nothing more will happen by itself."""
    await until(lambda: simulator.pending == 0)
