"""A worker with a fault, run as `services.workers` is:
`python -m tests.faults.trouble.faulty_worker PROCESSOR ...`.

SAYSO_ILLNESS is `slow`: each record costs 20 ms, and a transaction takes 20; or a file: if it is
there, it is removed, and the next transaction never ends.  The watchdog of a hung one is less
patient than the usual minute."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.workers import worker
from services.workers.__main__ import main
from streams.processing import StepResult
from streams.runtime import main as runtime_main
from streams.runtime.transactional_writer import TransactionalWriter
from streams.runtime.watchdog import Watchdog

ILLNESS: Final = "SAYSO_ILLNESS"
COST: Final = 0.02
"""Seconds a record."""
PATIENCE: Final = 8.0
"""Seconds of the watchdog: enough for a look at the lag before."""


def slow() -> None:
    """By its `process`: the worker commits often, and is behind all the same."""

    def costly(process: Any) -> Any:
        def slow_process(*arguments: Any) -> StepResult:
            time.sleep(COST)
            step: StepResult = process(*arguments)
            return step

        return slow_process

    worker.PROCESSORS.update(
        {
            name: replace(processor, process=costly(processor.process))
            for name, processor in worker.PROCESSORS.items()
        }
    )
    worker.BATCH_LIMIT = 20


def hung(once: Path) -> None:
    """By a broker that never answers a commit, on one partition."""
    commit = TransactionalWriter.commit

    async def never(*arguments: Any) -> None:
        if os.access(once, os.F_OK):
            os.unlink(once)
            await asyncio.Event().wait()
        await commit(*arguments)

    TransactionalWriter.commit = never  # type: ignore[method-assign]
    runtime_main.Watchdog = partial(Watchdog, every=1.0)  # type: ignore[misc,assignment]
    worker.run = lambda host, stop, patience: runtime_main.run(host, stop, patience=PATIENCE)  # type: ignore[assignment]


if __name__ == "__main__":
    illness = os.environ[ILLNESS]
    if illness == "slow":
        slow()
    else:
        hung(Path(illness))
    sys.exit(main())
