"""SIGTERM while calls are under way: nothing new begins, what comes of them is written, the
process ends in time."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Final

from tests import journal_report
from tests.faults.harness import texts
from tests.faults.harness.stack import FaultStack, start_stack
from tests.faults.harness.verdict import name_of

DRAIN: Final = "drain"
WORDS: Final = "SIGTERM for dispatch, whose provider takes 3 s to answer and gets 6"
SLOW, TIMEOUT = 3.0, 6.0
"""Seconds that the provider takes, and that dispatch waits for it."""
ASKED: Final = 120
AT_ONCE: Final = 0.5
"""Seconds in which a call that began before the signal may still arrive."""


async def run_drain() -> tuple[str, list[str], bool]:
    """What was staged, what we saw, and whether it is right."""
    with tempfile.TemporaryDirectory(prefix="sayso-trouble-", ignore_cleanup_errors=True) as folder:
        async with start_stack(Path(folder), 1, TIMEOUT) as stack:
            return await _drained(stack)


async def _drained(stack: FaultStack) -> tuple[str, list[str], bool]:
    await stack.switch_on("slow", does="slow", seconds=SLOW)
    await texts.request_texts(
        stack.publisher, "drain", [], rate=ASKED, seconds=1, rng=random.Random(1)
    )
    while len(journal_report.read_calls(stack.where.journal)) < 8:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.1)
    await asyncio.sleep(SLOW / 2)
    called, asked_at, began = (
        len(journal_report.read_calls(stack.where.journal)),
        time.time(),
        time.monotonic(),
    )
    process = stack.dispatch._process
    await stack.pool.leave("dispatch")
    took = time.monotonic() - began
    calls = journal_report.read_calls(stack.where.journal)
    late = [call for call in calls if call.at.timestamp() > asked_at + AT_ONCE]
    unwritten = await _unwritten(stack, {name_of(call) for call in calls})
    ended = process.returncode if process is not None else None
    said = [
        f"{called} calls made, some under way; {len(late)} began after it",
        f"{len(calls) - len(unwritten)} results of {len(calls)} calls are written",
        f"exit code {ended} after {took:.1f} s; {TIMEOUT + 5:.0f} are allowed",
    ]
    return WORDS, said, not late and not unwritten and ended == 0 and took <= TIMEOUT + 5


async def _unwritten(stack: FaultStack, names: set[str]) -> set[str]:
    """Whose attempt has no result a few seconds later; nobody else is there who could write it."""
    for _ in range(50):
        left = {
            name
            for name in names
            if name not in stack.watch.last or stack.watch.last[name].state == "sending"
        }
        if not left:
            break
        await asyncio.sleep(0.1)
    return left
