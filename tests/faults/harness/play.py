"""Plays faults one after another on stages that are made when needed."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from services.local.broker import BrokerError
from services.local.supervisor import ProcessFailed
from tests import journal_report
from tests.faults.harness import disk, results, texts
from tests.faults.harness.crew import NotReady
from tests.faults.harness.fault import Fault, NotHere, Scene, Unmet
from tests.faults.harness.stage import Stage, staged
from tests.faults.harness.verdict import NOTHING, Verdict, judged, name_of, resting

QUIET: Final = 4.0
"""Seconds without any news before the books are closed: late receipts are still coming until
then."""
LONGEST: Final = 600.0
"""Seconds after which nothing is waited for any more, moving or not."""
Tell = Callable[[str], None]
FAILURES: Final = (NotReady, BrokerError, ProcessFailed, TimeoutError, OSError)


class Plan:
    """`runs` of each fault; `quick` shortens what may be shortened; `seed` decides every moment;
    `call_timeout` in seconds, for one call to the provider (the default of the product is 10)."""

    def __init__(
        self,
        faults: Iterable[Fault],
        *,
        runs: int = 1,
        quick: bool = False,
        seed: int = 1,
        call_timeout: float = 2.0,
    ) -> None:
        self.faults, self.runs, self.quick, self.seed = list(faults), runs, quick, seed
        self.call_timeout = call_timeout


async def played(plan: Plan, tell: Tell) -> AsyncIterator[Verdict]:
    """One verdict a fault, all its runs together.  Faults share a stage unless one hurts more
    than workers, or the one before it failed: then what comes next begins anew."""
    async with AsyncExitStack() as open_stages:
        common = _Common(plan, open_stages)
        for fault in plan.faults:
            verdict: Verdict | None = None
            for run in range(plan.runs):
                tell(f"{fault.words}: setting the stage")
                one = await (
                    _alone(fault, plan, run, tell) if fault.alone else common.play(fault, run, tell)
                )
                verdict = verdict.and_then(one) if verdict else one
            assert verdict is not None
            yield verdict


class _Common:
    """The stage that is kept as long as what is played on it holds."""

    def __init__(self, plan: Plan, stages: AsyncExitStack) -> None:
        self._plan, self._stages = plan, stages
        self._stage: Stage | None = None

    async def play(self, fault: Fault, run: int, tell: Tell) -> Verdict:
        try:
            if self._stage is None:
                self._stage = await self._stages.enter_async_context(
                    _stage(self._plan, self._plan.seed)
                )
        except FAILURES as error:
            return _failed(fault, str(error) or type(error).__name__)
        verdict = await _run(self._stage, fault, self._plan, run, tell)
        if not verdict.passed:
            self._stage = None
            await self._stages.aclose()
        return verdict


class _stage:  # noqa: N801 - used as a function
    """A stage in a folder that is thrown away."""

    def __init__(self, plan: Plan, seed: int, size: int | None = None) -> None:
        self._plan, self._seed, self._size, self._open = plan, seed, size, AsyncExitStack()

    async def __aenter__(self) -> Stage:
        async with AsyncExitStack() as opening:
            folder = Path(
                opening.enter_context(
                    tempfile.TemporaryDirectory(prefix="sayso-faults-", ignore_cleanup_errors=True)
                )
            )
            if self._size is not None:
                opening.enter_context(disk.mounted(folder / "broker", self._size))
            stage = await opening.enter_async_context(
                staged(folder, self._seed, self._plan.call_timeout)
            )
            self._open = opening.pop_all()
            return stage

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()


async def _alone(fault: Fault, plan: Plan, run: int, tell: Tell) -> Verdict:
    try:
        async with _stage(plan, plan.seed + run, fault.disk) as stage:
            return await _run(stage, fault, plan, run, tell)
    except NotHere as why:
        return NOTHING._replace(fault=fault.name, note=f"not played here: {why}")
    except (Unmet, *FAILURES) as error:
        return _failed(fault, str(error) or type(error).__name__)


async def _run(stage: Stage, fault: Fault, plan: Plan, run: int, tell: Tell) -> Verdict:
    rng = random.Random(f"{fault.name} {plan.seed} {run}")
    scene = Scene(stage, rng, fault.quick if plan.quick else 1.0)
    stage.ran += 1
    ids, began = list[str](), time.monotonic()
    shown = asyncio.create_task(_show(stage, fault, ids, began, tell))
    try:
        asking = texts.ask(
            stage.publisher,
            f"{fault.name}-{stage.ran}",
            ids,
            rate=fault.rate,
            seconds=fault.seconds * scene.span,
            rng=random.Random(rng.random()),
        )
        await _both(asking, fault.hurt(scene))
        await stage.mended()
        asked = set(ids)
        await _rest(stage, asked, fault.patience)
        calls = [
            call
            for call in journal_report.read_calls(stage.where.journal)
            if name_of(call) in asked
        ]
        verdict = judged(fault.name, asked, stage.watch, calls, time.monotonic() - began)
    except (Unmet, *FAILURES) as error:
        verdict = _failed(fault, str(error) or type(error).__name__)
    finally:
        shown.cancel()
    if not verdict.passed:
        results.keep_logs(stage.folder, f"{fault.name}-{run + 1}")
    return verdict._replace(note=", ".join(scene.notes))


async def _both(*work: Any) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _rest(stage: Stage, ids: set[str], patience: float) -> None:
    """A slow machine has the time it needs, as long as it moves."""
    began = time.monotonic()
    while (now := time.monotonic()) - max(
        began, stage.watch.moved
    ) < patience and now - began < LONGEST:
        if resting(ids, stage.watch) and now - stage.watch.moved > QUIET:
            return
        await asyncio.sleep(0.2)


async def _show(stage: Stage, fault: Fault, ids: list[str], began: float, tell: Tell) -> None:
    while True:
        states = stage.watch.states(set(ids))
        out = sum(states[state] for state in ("accepted", "sent", "delivered", "undelivered"))
        tell(
            f"{fault.words}: {time.monotonic() - began:.0f} s, {len(ids)} texts, {out} out, "
            f"{states['in_doubt']} in doubt"
        )
        await asyncio.sleep(0.5)


def _failed(fault: Fault, why: str) -> Verdict:
    return NOTHING._replace(fault=fault.name, runs=1, wrong=(why,))
