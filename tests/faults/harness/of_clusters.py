"""Three brokers, of which one or two are hurt while texts are asked for, several rounds each.

Beside the count of every text: how long sending stood still, how many workers exited, whether a
number was texted that had said STOP before the text was asked for, and whether a reader that ran
all along saw what the log holds in the end."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from schemas.topics import CONSENT_EVENTS, DECISIONS, DISPATCH_ORDERS
from tests.cluster.prefix_reader import PrefixReader
from tests.cluster.verbs import TestCluster
from tests.faults.harness import texts
from tests.faults.harness.fault import Fault, FaultContext
from tests.faults.harness.stack import OF_A_CLUSTER

AWAY: Final = 8.0
"""Seconds that a killed broker stays away: longer than its session."""
STOPS: Final = 10
"""Numbers that say STOP in each round."""
BETWEEN: Final = 4.0
"""Seconds of quiet before each round."""
Round = Callable[[FaultContext, TestCluster], Awaitable[None]]


def rounds(one: Round, *, exits_allowed: bool = True) -> Callable[[FaultContext], Awaitable[None]]:
    async def hurt(context: FaultContext) -> None:
        cluster = context.stack.cluster
        assert cluster is not None
        reader = PrefixReader(cluster.bootstrap, DECISIONS.name)
        reader.start()
        pauses, exits = [], []
        try:
            for number in range(context.rounds):
                await context.wait(BETWEEN)
                began, before = time.monotonic(), count_exits(context)
                await asyncio.gather(one(context, cluster), _say_stop(context, number))
                await cluster.restore()
                await context.stack.pool.until_ready()
                await asyncio.sleep(BETWEEN)
                pauses.append(longest_pause(context, began))
                exits.append(count_exits(context) - before)
        finally:
            await reader.stop()
        context.wrong += await reader.compare()
        context.notes.append(
            f"sending stood still for {', '.join(f'{pause:.0f}' for pause in pauses)} s; "
            f"{sum(exits)} exits of workers, {count_reopenings(context)} partitions opened again"
        )
        if sum(exits) and not exits_allowed:
            context.wrong.append(f"{sum(exits)} workers exited")

    return hurt


def count_exits(context: FaultContext) -> int:
    return sum(len(worker.endings) for worker in context.stack.pool.workers.values())


def count_reopenings(context: FaultContext) -> int:
    """As the workers' logs have it."""
    logs = [worker.log for worker in context.stack.pool.workers.values()]
    return sum(log.read_text(errors="replace").count(" is opened again: ") for log in logs)


def longest_pause(context: FaultContext, since: float) -> float:
    """Seconds between two texts that the provider took, as a reader of attempts hears of them."""
    heard = sorted(
        report.at
        for reports in list(context.stack.watch.attempts.values())
        for report in reports
        if report.state == "accepted" and report.at >= since
    )
    ends = [since, *heard, time.monotonic()]
    return max(later - earlier for earlier, later in itertools.pairwise(ends))


async def _say_stop(context: FaultContext, number: int) -> None:
    """While brokers are away.  What is not confirmed is said again."""
    chosen = texts.NUMBERS[number * STOPS : (number + 1) * STOPS]
    now = datetime.now(UTC)
    events = [texts.consent_event(to, "opt_out", "stop", now) for to in chosen]
    await asyncio.sleep(1)
    await texts.publish_confirmed(context.stack.publisher, events, CONSENT_EVENTS)
    context.stack.stopped |= dict.fromkeys(chosen, time.monotonic())


async def leader_killed(context: FaultContext, cluster: TestCluster) -> None:
    partition = context.rng.randrange(OF_A_CLUSTER)
    await _kill(context, cluster, [await cluster.leader_of(DISPATCH_ORDERS.name, partition)], AWAY)


async def coordinator_killed(context: FaultContext, cluster: TestCluster) -> None:
    name = f"sayso.{context.rng.choice(('gate', 'dispatch'))}-{context.rng.randrange(OF_A_CLUSTER)}"
    await _kill(context, cluster, [await cluster.coordinator_of(name)], AWAY)


async def controller_killed(context: FaultContext, cluster: TestCluster) -> None:
    await _kill(context, cluster, [await cluster.controller()], AWAY)


async def rolled(context: FaultContext, cluster: TestCluster) -> None:
    await cluster.roll()


async def two_down(context: FaultContext, cluster: TestCluster) -> None:
    await _kill(context, cluster, context.rng.sample(cluster.brokers.brokers, 2), 60)


async def paused(context: FaultContext, cluster: TestCluster) -> None:
    number = context.rng.choice(cluster.brokers.brokers)
    cluster.pause(number)
    try:
        await context.wait(30)
    finally:
        cluster.resume(number)


async def cut(context: FaultContext, cluster: TestCluster) -> None:
    number = context.rng.choice(cluster.brokers.brokers)
    cluster.cut(number)
    try:
        await context.wait(30)
    finally:
        cluster.mend(number)


async def _kill(
    context: FaultContext, cluster: TestCluster, numbers: list[int], seconds: float
) -> None:
    await asyncio.gather(*[cluster.kill(number) for number in numbers])
    await context.wait(seconds)
    await asyncio.gather(*[cluster.start(number, wait=False) for number in numbers])


def _fault(
    name: str, words: str, one: Round, *, clean: bool = False, kind: str = "combined"
) -> Fault:
    return Fault(
        f"cluster-{name}",
        f"three brokers: {words}",
        rounds(one, exits_allowed=not clean),
        rate=10.0,
        patience=180,
        quick=0.4,
        alone=True,
        cluster=kind,
    )


FAULTS: Final = (
    _fault("leader", "a leader: kill -9, back after 8 s", leader_killed),
    _fault("coordinator", "a transaction coordinator: kill -9, back after 8 s", coordinator_killed),
    _fault("controller", "the active controller: kill -9, back after 8 s", controller_killed),
    _fault("roll", "each stopped and started in turn", rolled, clean=True),
    _fault("two-down", "two kill -9, back after 60 s", two_down),
    _fault("paused", "one paused for 30 s (SIGSTOP)", paused),
    _fault("cut", "clients cut off from one for 30 s", cut),
    _fault(
        "split-controller",
        "controllers apart: the active one: kill -9, back after 8 s",
        controller_killed,
        kind="split",
    ),
)
