"""Dispatch itself: killed, put to sleep, joined and left."""

from __future__ import annotations

import signal
from typing import Final

from tests.faults.harness.fault import Fault, Scene

MINUTES = 5
JOINS, WITHIN = 20, 180.0
"""Joins and leaves, and seconds for all of them."""


async def kill_loop(scene: Scene) -> None:
    """At a random moment of its life, its start included."""
    left, killed = 300.0, 0
    while left > 0:
        pause = scene.rng.uniform(0.1, 10)
        left -= pause / scene.span
        await scene.wait(pause / scene.span)
        killed += scene.stage.dispatch.signal(signal.SIGKILL)
    scene.notes.append(f"{killed} kills")


async def asleep(scene: Scene) -> None:
    """Beyond its session: another worker takes over, and the sleeper wakes with calls that are not its own any more."""
    crew = scene.stage.crew
    await crew.join("dispatch", "dispatch-b").until_ready()
    await scene.wait(4)
    scene.stage.dispatch.signal(signal.SIGSTOP)
    await scene.wait(60)
    scene.stage.dispatch.signal(signal.SIGCONT)
    await scene.wait(6)
    await crew.leave("dispatch-b")


async def joins_and_leaves(scene: Scene) -> None:
    """Half of the leaves are kills of workers that never come back."""
    crew, extra = scene.stage.crew, list[str]()
    for n in range(JOINS):
        await scene.wait(scene.rng.uniform(0.5, 1.5) * WITHIN / JOINS)
        if not extra or (len(extra) < 3 and scene.rng.random() < 0.5):
            extra.append(crew.join("dispatch", f"dispatch-{n}").name)
            continue
        name = extra.pop(scene.rng.randrange(len(extra)))
        if scene.rng.random() < 0.5:
            crew.workers[name].signal(signal.SIGKILL)
        await crew.leave(name)
    for name in extra:
        await crew.leave(name)


FAULTS: Final = (
    Fault("kill-loop", "dispatch: kill -9 every 0.1 to 10 s, five minutes", kill_loop, seconds=300, quick=0.15),
    Fault("asleep", "dispatch: SIGSTOP for 60 s, another takes over, SIGCONT", asleep, seconds=76, rate=15, quick=0.4),
    Fault("joins", "dispatch: 20 joins and leaves in three minutes", joins_and_leaves, seconds=182, rate=15, quick=0.2),
)
