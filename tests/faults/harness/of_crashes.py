"""Dispatch, killed with SIGKILL at each named step of its work (`services.failpoints`)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from services.failpoints import CRASH_AT, POINTS
from tests.faults.harness.fault import Fault, FaultContext, Unmet

LATEST: Final = 40
"""A step is met for the first to the fortieth time, seeded, which is within some seconds under
load."""
RARE: Final = {"before-look": 5, "after-look": 5}
"""Steps that come for a doubt only."""
PATIENCE: Final = 40.0
"""Seconds in which a worker under load comes to every step."""
DOUBTFUL: Final = {"does": "reset-after", "share": 0.2, "receipts": ["lost"]}
"""So that there is a list to look at."""
REVOKING: Final = "on-revoke"
ONCE: Final = frozenset({"after-fence", "on-open", REVOKING})
"""Steps that come once in an owner's life."""


def at(point: str) -> Callable[[FaultContext], Awaitable[None]]:
    async def hurt(context: FaultContext) -> None:
        nth = 1 if point in ONCE else context.rng.randint(1, RARE.get(point, LATEST))
        worker = context.stack.dispatch
        await context.stack.switch_on("doubtful", **DOUBTFUL)
        await worker.restart(**{CRASH_AT: f"{point}:{nth}"})
        before = len(worker.endings)
        if point == REVOKING:
            await worker.until_ready()
            await context.stack.pool.join("dispatch", "dispatch-b").until_ready()
        await _wait_for_kill(context, before, f"{point}:{nth}")
        await context.stack.switch_off("doubtful")
        if point == REVOKING:
            await context.stack.pool.leave("dispatch-b")

    return hurt


async def _wait_for_kill(context: FaultContext, before: int, wish: str) -> None:
    worker = context.stack.dispatch
    try:
        async with asyncio.timeout(PATIENCE):
            while len(worker.endings) == before:  # noqa: ASYNC110 - it ends by itself
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Unmet(f"dispatch never came to {wish}") from None
    if worker.endings[-1] != -signal.SIGKILL:
        raise Unmet(
            f"dispatch ended otherwise than at {wish}: {worker.endings[-1]}; it said: {worker.last_words}"
        )


FAULTS: Final = tuple(
    Fault(
        f"crash-{point}", f"dispatch: kill -9 at {point}", at(point), seconds=10, rate=15, quick=0.5
    )
    for point in POINTS
)
