"""Run one Faust app until it is told to stop.

This replaces mode's Worker, whose stop sleeps a second and whose signal handling hides crashes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc

from streams.memory import GC_THRESHOLDS
from streams.runtime.faust_app import FaustApp
from streams.runtime.watchdog import Watchdog


async def run(faust_app: FaustApp, stop: asyncio.Event, *, patience: float = 60.0) -> None:
    """Return after a clean stop.  A crash inside Faust ends in `fail_fast`, as every other fault
    does."""
    gc.set_threshold(*GC_THRESHOLDS)
    app = faust_app.app
    watchdog = Watchdog(faust_app, patience=patience)
    watching = asyncio.create_task(watchdog.run(), name="watchdog")
    await app.start()
    try:
        while not stop.is_set() and not app.crashed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await stop.wait()
        if app.crashed:
            faust_app.fail_fast(app.crash_reason or RuntimeError("Faust gave up without a reason"))
    finally:
        watching.cancel()
        await app.stop()
        watchdog.stopped.set()
