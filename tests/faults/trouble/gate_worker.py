"""The gate's real worker under the supervisor of `sayso up`, on a real broker; and what `sayso
lag` says of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.topics import SEND_REQUESTS
from services.cli.lag import SAMPLES
from services.local.supervisor import ProcessSpec, Supervisor
from services.observability.lag_monitor import LagMonitor
from services.observability.lag_report import LagLine
from streams.topology import GATE
from tests.bench import people
from tests.bench.gate import tell

PROCESSOR: Final = GATE.name
HEALTHY, FAULTY = "services.workers", "tests.faults.trouble.faulty_worker"
SESSION: Final = 12.0
"""Seconds: longer than it takes to see that a worker does not move."""
PAUSE: Final = 0.5
"""Seconds between two looks."""
LONGEST: Final = 90.0


@dataclass
class GateWorker:
    """`sentences`: what the supervisor reported to a person."""

    bootstrap: str
    folder: Path
    sentences: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.folder, self.sentences.append)

    async def start(self, module: str = HEALTHY, **environment: str) -> None:
        """Raises ProcessFailed."""
        environment |= {"SAYSO_BOOTSTRAP": self.bootstrap, "SAYSO_STATE": str(self.folder)}
        part = ProcessSpec(
            PROCESSOR,
            (module, PROCESSOR, "--instance", "staged"),
            {"SAYSO_SESSION_TIMEOUT": str(SESSION), **environment},
        )
        await self.supervisor.start([part])

    @property
    def pid(self) -> int:
        return int((self.folder / "run" / f"{PROCESSOR}.ready").read_text().split()[0])

    @property
    def log(self) -> str:
        return (self.folder / "logs" / f"{PROCESSOR}.log").read_text(errors="replace")

    async def ask(self, count: int) -> None:
        """Requests of a tenant that nobody knows: they are judged, and end there."""
        self.asked += 1
        await tell(self.bootstrap, SEND_REQUESTS, people.requests(count, f"trouble-{self.asked}"))

    async def lag(self, partition: int | None = None) -> str:
        """The verdict on the worst partition, or on this one, and its cause: after the looks
        that `sayso lag` takes."""
        async with LagMonitor(
            self.bootstrap, {f"sayso.{PROCESSOR}": [topic.name for topic in GATE.inputs]}
        ) as watch:
            for _ in range(SAMPLES):
                await asyncio.sleep(PAUSE)
                found = await watch.take_sample()
        return next(format_lag(line) for line in found.lines if partition in (None, line.partition))

    async def lag_is(self, words: str, partition: int | None = None) -> str:
        """The first that begins so; else the last one."""
        deadline = time.monotonic() + LONGEST
        while (
            not (said := await self.lag(partition)).startswith(words)
            and time.monotonic() < deadline
        ):
            pass
        return said

    async def until(self, happened: Callable[[], object]) -> None:
        """At most as long as a person would."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                while not happened():  # noqa: ASYNC110 - other processes make it happen
                    await asyncio.sleep(0.1)

    def supervised(self, words: str) -> str:
        """The first that the supervisor reported with these words in it."""
        return next((said for said in self.sentences if words in said), "nothing")

    async def end(self) -> None:
        with suppress(OSError, ValueError, IndexError):
            os.kill(self.pid, signal.SIGCONT)
        await self.supervisor.stop()
        await self.supervisor.close()


def format_lag(line: LagLine) -> str:
    return f"{line.verdict}: {line.cause}" if line.cause else str(line.verdict)


@asynccontextmanager
async def start_gate_worker(bootstrap: str, folder: Path) -> AsyncIterator[GateWorker]:
    """`bootstrap`: of a broker with the topics of Sayso, on which nobody has ever read."""
    opened = GateWorker(bootstrap, folder)
    try:
        yield opened
    finally:
        await opened.end()
