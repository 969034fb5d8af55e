"""`python -m services.workers PROCESSOR`: run one processor's worker until SIGTERM.

Exit codes: 0 stopped by a signal, 1 cannot start (one sentence says why), 2 wrong settings (one
sentence names the variable), 70 a fault: start it again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from schemas.topics import PROCESSOR_NAMES
from services.kafka.broker_wait import wait_for_broker
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.settings import SettingsError, from_environment
from services.workers.worker import CannotStart, run_worker


def main(clock: Callable[[], float] = time.time) -> int:
    """`clock`: seconds since 1970."""
    options = _parse_options()
    set_up(options.processor)
    watch_parent()
    try:
        asyncio.run(_run_until_signal(options, clock))
    except (SettingsError, CannotStart) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sayso worker", description=__doc__)
    parser.add_argument("processor", choices=PROCESSOR_NAMES)
    parser.add_argument(
        "--instance", help="a stable name of this replica, so that a restart keeps its partitions"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="created when partitions are assigned and restored"
    )
    return parser.parse_args()


async def _run_until_signal(options: argparse.Namespace, clock: Callable[[], float]) -> None:
    settings = from_environment()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)

    def on_ready(partitions: list[int]) -> None:
        if options.ready_file is not None:
            options.ready_file.write_text(f"{os.getpid()} {partitions}\n")

    if not await wait_for_broker(settings, stop):
        return
    await run_worker(
        options.processor,
        settings,
        stop,
        instance=options.instance,
        on_ready=on_ready,
        clock=clock,
    )


if __name__ == "__main__":
    sys.exit(main())
