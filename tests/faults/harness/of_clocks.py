"""The machine's clock is stepped by an hour, for all rooms at once and while they work.

What is asked for meanwhile is also put in doubt, by calls that are cut off: when a call was made, and when the provider
made the text, are then told by clocks that differ by an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.faults.harness.fault import Fault, Scene
from tests.faults.harness.of_crashes import DOUBTFUL

HOUR: Final = 3600


def stepped(*offsets: int) -> Callable[[Scene], Awaitable[None]]:
    """To each of these in turn, six seconds each, while texts are asked for; the last one stays."""

    async def hurt(scene: Scene) -> None:
        crew = scene.stage.crew.workers.values()
        for worker in crew:
            worker.module = "tests.faults.harness.clocked"
        await asyncio.gather(*[worker.restart() for worker in crew])
        await scene.stage.crew.until_ready()
        await scene.stage.switch_on("doubtful", **DOUBTFUL)
        for offset in (0, *offsets):
            scene.stage.tell_clock(offset)
            await scene.wait(6)
        await scene.stage.switch_off("doubtful")

    return hurt


FAULTS: Final = (
    Fault("clock-ahead", "clock: an hour ahead", stepped(HOUR), seconds=18, alone=True),
    Fault("clock-behind", "clock: an hour behind, and right again", stepped(-HOUR, 0), seconds=26, alone=True),
    Fault("clock-back", "clock: an hour ahead, and right again while texts wait", stepped(HOUR, 0), seconds=18, rate=80,
          alone=True),
    Fault("clock-both-ways", "clock: an hour ahead, right, behind, right, and an hour passes",
          stepped(HOUR, 0, -HOUR, 0, HOUR), seconds=44, alone=True),
)  # fmt: skip
