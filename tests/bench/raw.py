"""What an event costs raw aiokafka: the unit of what a message costs us, for machines and their
minutes differ."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Final, TypeVar

from tests.bench import plain
from tests.bench.plan import Step

EVENTS: Final = 50_000
RAW: Final = next(one for one in plain.CONTENDERS if one.name == "raw_aiokafka")

T = TypeVar("T")


async def alternate(
    bootstrap: str, runs: int, one_run: Callable[[int], Awaitable[T]], step: Step
) -> tuple[list[T], list[float]]:
    """Each run stands between two of raw aiokafka's.  Returns the runs, and CPU microseconds an
    event for each; none where the system does not tell CPU time."""
    source = await plain.source_of(bootstrap, EVENTS)

    async def unit() -> float | None:
        seen = await plain.one_run(
            bootstrap, RAW, source, step(f"{RAW.words}, for comparison", EVENTS)
        )
        return seen.spent["process"] / seen.outputs * 1e6 if "process" in seen.spent else None

    units, found = [await unit()], []
    for run in range(runs):
        found.append(await one_run(run))
        units.append(await unit())
    return found, between([one for one in units if one is not None])


def between(units: Sequence[float]) -> list[float]:
    """The mean of two neighbours, for what came between them."""
    return [(before + after) / 2 for before, after in pairwise(units)]
