"""Runs faults one after another on stacks that start when a fault needs them."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from services.local.broker import BrokerError
from services.local.supervisor import ProcessFailed
from tests import journal_report
from tests.faults.harness import disk, results, texts
from tests.faults.harness.fault import Fault, FaultContext, NotSupported, Unmet
from tests.faults.harness.stack import FaultStack, start_stack
from tests.faults.harness.verdict import (
    NOTHING,
    Verdict,
    evaluate_run,
    find_texts_after_stop,
    name_of,
    resting,
)
from tests.faults.harness.workers import NotReady

QUIET: Final = 4.0
"""Seconds without any news before the count is made: late receipts are still coming until
then."""
LONGEST: Final = 600.0
"""Seconds after which nothing is waited for any more, moving or not."""
Report = Callable[[str], None]
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
        rounds: int = 5,
    ) -> None:
        self.faults, self.runs, self.quick, self.seed = list(faults), runs, quick, seed
        self.call_timeout, self.rounds = call_timeout, rounds


async def run_plan(plan: Plan, report: Report) -> AsyncIterator[Verdict]:
    """One verdict a fault, all its runs together.  Faults share a stack unless one hurts more
    than workers, or the one before it failed: then what comes next begins anew."""
    async with AsyncExitStack() as open_stages:
        shared = _SharedStack(plan, open_stages)
        for fault in plan.faults:
            verdict: Verdict | None = None
            for run in range(plan.runs):
                report(f"{fault.words}: starting the stack")
                one = await (
                    _run_alone(fault, plan, run, report)
                    if fault.alone
                    else shared.run(fault, run, report)
                )
                verdict = verdict.and_then(one) if verdict else one
            assert verdict is not None
            yield verdict


class _SharedStack:
    """The stack that faults share, until one of them fails."""

    def __init__(self, plan: Plan, stages: AsyncExitStack) -> None:
        self._plan, self._stages = plan, stages
        self._stack: FaultStack | None = None

    async def run(self, fault: Fault, run: int, report: Report) -> Verdict:
        try:
            if self._stack is None:
                self._stack = await self._stages.enter_async_context(
                    _new_stack(self._plan, self._plan.seed)
                )
        except FAILURES as error:
            return _failed(fault, str(error) or type(error).__name__)
        verdict = await _run(self._stack, fault, self._plan, run, report)
        if not verdict.passed:
            self._stack = None
            await self._stages.aclose()
        return verdict


@asynccontextmanager
async def _new_stack(
    plan: Plan, seed: int, size: int | None = None, cluster: str | None = None
) -> AsyncIterator[FaultStack]:
    """A stack in a temporary folder; `size`: bytes of a small disk for the broker."""
    with ExitStack() as opening:
        folder = Path(
            opening.enter_context(
                tempfile.TemporaryDirectory(prefix="sayso-faults-", ignore_cleanup_errors=True)
            )
        )
        if size is not None:
            opening.enter_context(disk.mount_small_disk(folder / "broker", size))
        async with start_stack(folder, seed, plan.call_timeout, cluster) as stack:
            yield stack


async def _run_alone(fault: Fault, plan: Plan, run: int, report: Report) -> Verdict:
    try:
        async with _new_stack(plan, plan.seed + run, fault.disk, fault.cluster) as stack:
            return await _run(stack, fault, plan, run, report)
    except NotSupported as why:
        return NOTHING._replace(fault=fault.name, note=f"not played here: {why}")
    except (Unmet, *FAILURES) as error:
        return _failed(fault, str(error) or type(error).__name__)


async def _run(stack: FaultStack, fault: Fault, plan: Plan, run: int, report: Report) -> Verdict:
    rng = random.Random(f"{fault.name} {plan.seed} {run}")
    context = FaultContext(stack, rng, fault.quick if plan.quick else 1.0, rounds=plan.rounds)
    over = asyncio.Event()
    stack.ran += 1
    ids, began = list[str](), time.monotonic()
    shown = asyncio.create_task(_report_progress(stack, fault, ids, began, report))
    try:
        asking = texts.request_texts(
            stack.publisher,
            f"{fault.name}-{stack.ran}",
            ids,
            rate=fault.rate,
            seconds=LONGEST if fault.cluster else fault.seconds * context.span,
            rng=random.Random(rng.random()),
            asked=stack.asked,
            until=over if fault.cluster else None,
        )
        await _run_both(asking, _hurt(fault, context, over))
        await stack.wait_until_ready()
        asked = set(ids)
        await _rest(stack, asked, fault.patience)
        calls = [
            call
            for call in journal_report.read_calls(stack.where.journal)
            if name_of(call) in asked
        ]
        verdict = evaluate_run(fault.name, asked, stack.watch, calls, time.monotonic() - began)
        context.wrong += find_texts_after_stop(stack.asked, stack.stopped, calls)
        verdict = verdict._replace(wrong=(*verdict.wrong, *context.wrong))
    except (Unmet, *FAILURES) as error:
        verdict = _failed(fault, str(error) or type(error).__name__)
    finally:
        shown.cancel()
    if not verdict.passed:
        results.keep_logs(stack.folder, f"{fault.name}-{run + 1}")
    return verdict._replace(note=", ".join(context.notes))


async def _hurt(fault: Fault, context: FaultContext, over: asyncio.Event) -> None:
    try:
        await fault.hurt(context)
    finally:
        over.set()


async def _run_both(*work: Any) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _rest(stack: FaultStack, ids: set[str], patience: float) -> None:
    """A slow machine has the time it needs, as long as it moves."""
    began = time.monotonic()
    while (now := time.monotonic()) - max(
        began, stack.watch.moved
    ) < patience and now - began < LONGEST:
        quiet = now - stack.watch.moved > QUIET
        if quiet and resting(ids, stack.watch) and stack.watch.usage_is_recount:
            return
        await asyncio.sleep(0.2)


async def _report_progress(
    stack: FaultStack, fault: Fault, ids: list[str], began: float, report: Report
) -> None:
    while True:
        states = stack.watch.states(set(ids))
        out = sum(states[state] for state in ("accepted", "sent", "delivered", "undelivered"))
        report(
            f"{fault.words}: {time.monotonic() - began:.0f} s, {len(ids)} texts, {out} out, "
            f"{states['in_doubt']} in doubt"
        )
        await asyncio.sleep(0.5)


def _failed(fault: Fault, why: str) -> Verdict:
    return NOTHING._replace(fault=fault.name, runs=1, wrong=(why,))
