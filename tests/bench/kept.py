"""What is counted and kept: the usage room, and the ledger."""

from __future__ import annotations

import asyncio

from rich.console import Group

from tests.bench import counting, ledger
from tests.bench.gate import InUse
from tests.bench.plan import Measured, Step
from tests.bench.results import result
from tests.bench.screen import Bar, table


async def usage_room(bootstrap: str, outcomes: int, runs: int, step: Step) -> Measured:
    try:
        seen = [
            await counting.one_run(
                bootstrap, outcomes, step(f"Usage, run {run + 1} of {runs}", outcomes // 2)
            )
            for run in range(runs)
        ]
    except InUse as why:
        return [], f"Usage is left out: {why}"
    found = result("usage.outcomes_per_second", "1/s", [each.rate for each in seen])
    title = f"Usage, {outcomes:,} outcomes of four tenants"
    return [found], table(title, "outcomes/s", [Bar("its worker", found.value)])


async def the_ledger(bootstrap: str, events: int, messages: int, runs: int, step: Step) -> Measured:
    step(f"The ledger, {events:,} events, {runs} runs", runs)
    try:
        rates = [await ledger.one_run(bootstrap, events) for _ in range(runs)]
    except InUse as why:
        return [], f"The ledger is left out: {why}"
    step(f"A story among {messages:,} messages", 1)
    told = await asyncio.to_thread(ledger.stories, messages)
    rate = result("ledger.events_per_second", "1/s", rates)
    usual, slowest = (
        result(f"explain.{name}_seconds", "s", [value])
        for name, value in (("median", told.usual), ("slowest", told.slowest))
    )
    shown = (
        table("The ledger, SQLite, one process", "events/s", [Bar("taken in", rate.value)]),
        table(
            f"A message's story among {messages:,}",
            "ms",
            [Bar("median", usual.value * 1e3), Bar("slowest", slowest.value * 1e3)],
        ),
    )
    return [rate, usual, slowest], Group(*shown)
