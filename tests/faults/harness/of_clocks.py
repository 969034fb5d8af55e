"""The machine's clock is stepped by an hour, for all rooms at once and while they work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.faults.harness.fault import Fault, Scene

HOUR: Final = 3600


def stepped(*offsets: int) -> Callable[[Scene], Awaitable[None]]:
    """To each of these in turn, five seconds each, and back to the right time."""

    async def hurt(scene: Scene) -> None:
        crew = scene.stage.crew.workers.values()
        for worker in crew:
            worker.module = "tests.faults.harness.clocked"
        await asyncio.gather(*[worker.restart() for worker in crew])
        await scene.stage.crew.until_ready()
        for offset in (*offsets, 0):
            scene.stage.tell_clock(offset)
            await scene.wait(5)

    return hurt


FAULTS: Final = (
    Fault("clock-ahead", "clock: an hour ahead, and back", stepped(HOUR), seconds=20, alone=True),
    Fault("clock-behind", "clock: an hour behind, and right again", stepped(-HOUR), seconds=20, alone=True),
)
