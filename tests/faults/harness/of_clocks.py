"""The machine's clock is stepped by an hour, for all rooms at once and while they work.

What is asked for meanwhile is also put in doubt, by calls that are cut off: when a call was
made, and when the provider made the text, then come from clocks that differ by an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.workers.stable_clock import BELIEVED_AFTER
from tests.faults.harness.fault import Fault, FaultContext
from tests.faults.harness.of_crashes import DOUBTFUL

HOUR: Final = 3600
MOMENT: Final = 6.0
LASTING: Final = BELIEVED_AFTER + 6
"""Seconds."""


def step_clock(*steps: tuple[int, float]) -> Callable[[FaultContext], Awaitable[None]]:
    """By how much the clock is off, and for how many seconds, in turn; the last one stays."""

    async def hurt(context: FaultContext) -> None:
        pool = context.stack.pool.workers.values()
        for worker in pool:
            worker.module = "tests.faults.harness.clocked"
        await asyncio.gather(*[worker.restart() for worker in pool])
        await context.stack.pool.until_ready()
        await context.stack.switch_on("doubtful", **DOUBTFUL)
        for offset, seconds in steps:
            context.stack.set_clock_offset(offset)
            await context.wait(seconds)
        await context.stack.switch_off("doubtful")

    return hurt


BACK: Final = step_clock((0, MOMENT), (HOUR, MOMENT), (0, MOMENT))
AHEAD: Final = step_clock((0, MOMENT), (HOUR, LASTING + MOMENT))
BEHIND: Final = step_clock((0, MOMENT), (-HOUR, LASTING), (0, LASTING))
BOTH: Final = step_clock(
    (0, MOMENT), (HOUR, LASTING), (0, LASTING), (-HOUR, LASTING), (0, LASTING), (HOUR, LASTING)
)

FAULTS: Final = (
    Fault(
        "clock-moment",
        "clock: an hour ahead for a moment, while texts wait",
        BACK,
        seconds=18,
        rate=80,
        alone=True,
    ),
    Fault(
        "clock-ahead", "clock: an hour ahead, and it lasts", AHEAD, seconds=44, rate=15, alone=True
    ),
    Fault(
        "clock-behind",
        "clock: an hour behind, and right again",
        BEHIND,
        seconds=58,
        rate=15,
        alone=True,
    ),
    Fault(
        "clock-both",
        "clock: ahead, right, behind, right, an hour passes",
        BOTH,
        seconds=130,
        rate=8,
        alone=True,
    ),
)
