"""A contender's process: started, measured, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = sys.executable
TICK: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float | None:
    """Of all its threads, user and system, since it began; None where the system has no /proc."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    return None


def cpu_meter(pids: Mapping[str, int]) -> Callable[[], dict[str, float]]:
    """Reads the CPU seconds of each named process, as far as the system tells."""

    def meter() -> dict[str, float]:
        spent = {name: cpu_seconds(pid) for name, pid in pids.items()}
        return {name: seconds for name, seconds in spent.items() if seconds is not None}

    return meter


class Ended(Exception):
    """The contender's process ended by itself; the last line it said."""


@contextlib.asynccontextmanager
async def running(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`command` follows a Python interpreter's path.  Raises Ended if it failed
    meanwhile."""
    log = folder / "log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore", **(environment or {})},
        )
    try:
        yield process
    except Exception as error:
        if process.returncode is None:
            raise
        raise Ended(last_words(log)) from error
    else:
        if process.returncode:
            raise Ended(last_words(log))
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
            return


def last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
