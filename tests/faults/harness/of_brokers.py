"""The broker's bad days."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Final

from services.local.broker import BrokerError
from tests.faults.harness import disk
from tests.faults.harness.fault import Fault, FaultContext

LEFT: Final = 64 << 10
"""Bytes that a full disk has left."""


async def killed(context: FaultContext) -> None:
    for _ in range(2):
        await context.wait(context.rng.uniform(2, 4))
        await _kill(context)
        await context.wait(1)
        await asyncio.to_thread(context.stack.broker.start)


async def paused(context: FaultContext) -> None:
    await context.wait(3)
    pid = context.stack.broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await context.wait(30)
    finally:
        os.kill(pid, signal.SIGCONT)


async def gone(context: FaultContext) -> None:
    await context.wait(3)
    await _kill(context)
    await context.wait(120)
    await asyncio.to_thread(context.stack.broker.start)


async def full(context: FaultContext) -> None:
    """Until somebody makes room; a broker that gave up meanwhile is started again, as its
    operator would."""
    await context.wait(3)
    broker, filler = context.stack.broker, context.stack.folder / "broker" / "filler"
    await asyncio.to_thread(disk.fill, filler, LEFT)
    await context.wait(20)
    context.notes.append(
        "the broker lived on"
        if broker.alive
        else "the broker ended by itself and was started again"
    )
    filler.unlink()
    if not broker.alive:
        await asyncio.to_thread(broker.start)


async def _kill(context: FaultContext) -> None:
    broker = context.stack.broker
    os.kill(broker.pid, signal.SIGKILL)
    while broker.alive:  # noqa: ASYNC110 - its keeper notices
        await asyncio.sleep(0.02)
    with contextlib.suppress(BrokerError):
        broker.stop()


FAULTS: Final = (
    Fault(
        "broker-killed", "broker: kill -9 and started again, twice", killed, seconds=12, alone=True
    ),
    Fault(
        "broker-paused",
        "broker: paused for 30 s (SIGSTOP)",
        paused,
        seconds=36,
        quick=0.3,
        alone=True,
    ),
    Fault(
        "broker-gone",
        "broker: gone for two minutes",
        gone,
        seconds=125,
        rate=5,
        patience=180,
        quick=0.15,
        alone=True,
    ),
    Fault(
        "disk-full",
        "broker: its disk is full for 20 s",
        full,
        seconds=26,
        patience=180,
        alone=True,
        disk=disk.SMALL,
    ),
)
