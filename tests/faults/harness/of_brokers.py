"""The broker's bad days."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Final

from services.local.broker import BrokerError
from tests.faults.harness import disk
from tests.faults.harness.fault import Fault, Scene

LEFT: Final = 64 << 10
"""Bytes that a full disk has left."""


async def killed(scene: Scene) -> None:
    for _ in range(2):
        await scene.wait(scene.rng.uniform(2, 4))
        await _kill(scene)
        await scene.wait(1)
        await asyncio.to_thread(scene.stage.broker.start)


async def paused(scene: Scene) -> None:
    await scene.wait(3)
    pid = scene.stage.broker.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await scene.wait(30)
    finally:
        os.kill(pid, signal.SIGCONT)


async def gone(scene: Scene) -> None:
    await scene.wait(3)
    await _kill(scene)
    await scene.wait(120)
    await asyncio.to_thread(scene.stage.broker.start)


async def full(scene: Scene) -> None:
    """Until somebody makes room; a broker that gave up meanwhile is started again, as its
    operator would."""
    await scene.wait(3)
    broker, filler = scene.stage.broker, scene.stage.folder / "broker" / "filler"
    await asyncio.to_thread(disk.fill, filler, LEFT)
    await scene.wait(20)
    scene.notes.append(
        "the broker lived on"
        if broker.alive
        else "the broker ended by itself and was started again"
    )
    filler.unlink()
    if not broker.alive:
        await asyncio.to_thread(broker.start)


async def _kill(scene: Scene) -> None:
    broker = scene.stage.broker
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
