"""Workers: killed, put to sleep, joined and left, and restarted one after another."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Final

from tests import journal_report
from tests.faults.harness.fault import Fault, FaultContext, Unmet
from tests.faults.harness.verdict import name_of

MINUTES = 5
ROLLED: Final = ("gate", "dispatch", "outcomes")
JOINS, WITHIN = 20, 180.0
"""Joins and leaves, and seconds for all of them."""


async def kill_loop(context: FaultContext) -> None:
    """At a random moment of its life, its start included."""
    left, killed = 300.0, 0
    while left > 0:
        pause = context.rng.uniform(0.1, 10)
        left -= pause / context.span
        await context.wait(pause / context.span)
        killed += context.stack.dispatch.signal(signal.SIGKILL)
    context.notes.append(f"{killed} kills")


async def pause_beyond_session(context: FaultContext) -> None:
    """Beyond its session: another worker takes over, and the sleeper wakes with calls that are
    not its own any more."""
    pool = context.stack.pool
    await pool.join("dispatch", "dispatch-b").until_ready()
    await context.wait(4)
    context.stack.dispatch.signal(signal.SIGSTOP)
    await context.wait(60)
    context.stack.dispatch.signal(signal.SIGCONT)
    await context.wait(6)
    await pool.leave("dispatch-b")


async def joins_and_leaves(context: FaultContext) -> None:
    """Half of the leaves are kills of workers that never come back."""
    pool, extra = context.stack.pool, list[str]()
    for n in range(JOINS):
        await context.wait(context.rng.uniform(0.5, 1.5) * WITHIN / JOINS)
        if not extra or (len(extra) < 3 and context.rng.random() < 0.5):
            extra.append(pool.join("dispatch", f"dispatch-{n}").name)
            continue
        name = extra.pop(context.rng.randrange(len(extra)))
        if context.rng.random() < 0.5:
            pool.workers[name].signal(signal.SIGKILL)
        await pool.leave(name)
    for name in extra:
        await pool.leave(name)


async def rolling(context: FaultContext) -> None:
    """An upgrade: two workers of each processor, every one stopped and started again once the one
    before is ready."""
    pool = context.stack.pool
    await asyncio.gather(
        *[pool.join(processor, f"{processor}-b").until_ready() for processor in ROLLED]
    )
    await context.wait(6)
    calm = datetime.now(UTC)
    await context.wait(8)
    began = datetime.now(UTC)
    for worker in [
        pool.workers[name] for processor in ROLLED for name in (processor, f"{processor}-b")
    ]:
        await worker.restart()
        await worker.until_ready()
        await context.wait(1)
    ended = datetime.now(UTC)
    await context.wait(5)
    usual, pause = _longest_wait(context, calm, began), _longest_wait(context, began, ended)
    context.notes.append(f"no text waited longer than {pause:.1f} s; before, {usual:.1f} s")
    for processor in ROLLED:
        await pool.leave(f"{processor}-b")


def _longest_wait(context: FaultContext, since: datetime, until: datetime) -> float:
    """Seconds from a request of that time until the provider was first called."""
    first = {
        name_of(call): call.at
        for call in reversed(journal_report.read_calls(context.stack.where.journal))
    }
    asked = {
        name: datetime.fromisoformat(record["requested_at"])
        for name, record in context.stack.watch.outcomes.items()
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
        pause_beyond_session,
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
