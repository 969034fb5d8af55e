"""The machine's clock is stepped by an hour, for all rooms at once and while they work.

What is asked for meanwhile is also put in doubt, by calls that are cut off: when a call was
made, and when the provider made the text, are then told by clocks that differ by an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.workers.stable_clock import BELIEVED_AFTER
from tests.faults.harness.fault import Fault, Scene
from tests.faults.harness.of_crashes import DOUBTFUL

HOUR: Final = 3600
MOMENT: Final = 6.0
LASTING: Final = BELIEVED_AFTER + 6
"""Seconds."""


def stepped(*steps: tuple[int, float]) -> Callable[[Scene], Awaitable[None]]:
    """By how much the clock is off, and for how many seconds, in turn; the last one stays."""

    async def hurt(scene: Scene) -> None:
        crew = scene.stage.crew.workers.values()
        for worker in crew:
            worker.module = "tests.faults.harness.clocked"
        await asyncio.gather(*[worker.restart() for worker in crew])
        await scene.stage.crew.until_ready()
        await scene.stage.switch_on("doubtful", **DOUBTFUL)
        for offset, seconds in steps:
            scene.stage.tell_clock(offset)
            await scene.wait(seconds)
        await scene.stage.switch_off("doubtful")

    return hurt


BACK: Final = stepped((0, MOMENT), (HOUR, MOMENT), (0, MOMENT))
AHEAD: Final = stepped((0, MOMENT), (HOUR, LASTING + MOMENT))
BEHIND: Final = stepped((0, MOMENT), (-HOUR, LASTING), (0, LASTING))
BOTH: Final = stepped(
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
