"""`python -m services.workers ROOM`: run one room's worker until SIGTERM.

Exit codes: 0 told to stop, 1 cannot start (one sentence says why), 70 a fault: start it again.
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
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.settings import ServiceSettings, SettingsError, from_environment
from services.workers.worker import CannotStart, work


def main(clock: Callable[[], float] = time.time) -> int:
    """`clock`: seconds since 1970."""
    parser = argparse.ArgumentParser(prog="sayso worker", description=__doc__)
    parser.add_argument("room", choices=PROCESSOR_NAMES)
    parser.add_argument(
        "--instance", help="a stable name of this replica, so that a restart keeps its partitions"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="created when partitions are assigned and restored"
    )
    given = parser.parse_args()
    set_up(given.room)
    watch_parent()
    try:
        settings = from_environment()
        return asyncio.run(
            _until_told(given.room, settings, given.instance, given.ready_file, clock)
        )
    except (SettingsError, CannotStart) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 1


async def _until_told(
    room: str,
    settings: ServiceSettings,
    instance: str | None,
    ready_file: Path | None,
    clock: Callable[[], float],
) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)

    def ready(partitions: list[int]) -> None:
        if ready_file is not None:
            ready_file.write_text(f"{os.getpid()} {partitions}\n")

    await work(room, settings, stop, instance=instance, ready=ready, clock=clock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
