"""Workers: killed, put to sleep, joined and left, and restarted one after another."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Final

from tests import journal_report
from tests.faults.harness.fault import Fault, Scene, Unmet
from tests.faults.harness.verdict import name_of

MINUTES = 5
ROLLED: Final = ("gate", "dispatch", "outcomes")
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
    """Beyond its session: another worker takes over, and the sleeper wakes with calls that are
    not its own any more."""
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


async def rolling(scene: Scene) -> None:
    """An upgrade: two workers of each room, every one told to end and started again once the one
    before is ready."""
    crew = scene.stage.crew
    await asyncio.gather(*[crew.join(room, f"{room}-b").until_ready() for room in ROLLED])
    await scene.wait(6)
    calm = datetime.now(UTC)
    await scene.wait(8)
    began = datetime.now(UTC)
    for worker in [crew.workers[name] for room in ROLLED for name in (room, f"{room}-b")]:
        await worker.restart()
        await worker.until_ready()
        await scene.wait(1)
    ended = datetime.now(UTC)
    await scene.wait(5)
    usual, pause = _longest_wait(scene, calm, began), _longest_wait(scene, began, ended)
    scene.notes.append(f"no text waited longer than {pause:.1f} s; before, {usual:.1f} s")
    for room in ROLLED:
        await crew.leave(f"{room}-b")


def _longest_wait(scene: Scene, since: datetime, until: datetime) -> float:
    """Seconds from a request of that time until the provider was first called."""
    first = {
        name_of(call): call.at
        for call in reversed(journal_report.read_calls(scene.stage.where.journal))
    }
    asked = {
        name: datetime.fromisoformat(told["requested_at"])
        for name, told in scene.stage.watch.outcomes.items()
    }
    waits = [
        (first[name] - at).total_seconds()
        for name, at in asked.items()
        if since <= at < until and name in first
    ]
    if not waits:
        raise Unmet("no text was under way: nothing was measured")
    return max(waits)


FAULTS: Final = (
    Fault(
        "rolling",
        "two workers a room: each restarted in turn, as for an upgrade",
        rolling,
        seconds=100,
        rate=10,
        quick=0.7,
    ),
    Fault(
        "kill-loop",
        "dispatch: kill -9 every 0.1 to 10 s, five minutes",
        kill_loop,
        seconds=300,
        quick=0.15,
    ),
    Fault(
        "asleep",
        "dispatch: SIGSTOP for 60 s, another takes over, SIGCONT",
        asleep,
        seconds=76,
        rate=15,
        quick=0.4,
    ),
    Fault(
        "joins",
        "dispatch: 20 joins and leaves in three minutes",
        joins_and_leaves,
        seconds=182,
        rate=15,
        quick=0.2,
    ),
)
