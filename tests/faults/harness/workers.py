"""Worker processes, started again when they end, as `sayso up` does; and the ways to hurt one.

The pause before a start is short and never grows: a fault is to be met by a worker, not by a
supervisor's patience."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from services.parent_watch import PIPE

AGAIN_AFTER = 0.3
"""Seconds between a worker's end and its next start."""
GRACE = 25.0
"""Seconds that a worker gets to end by itself: longer than a call and a transaction may take."""
START = 90.0
"""Seconds in which a worker must be ready, broker and machine permitting."""
ROOT = Path(__file__).parents[3]


class NotReady(Exception):
    """Which worker did not get ready, and the last it said."""


class Worker:
    """One processor's process.  `environment` holds for every start, `once` for the next one only.
    `endings`: how each process ended, a negative number being a signal's."""

    def __init__(
        self, processor: str, name: str, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.processor, self.name = processor, name
        self.environment = dict(environment)
        self.once: dict[str, str] = {}
        self.module = "services.workers"
        self.endings: list[int] = []
        self.log = folder / f"{name}.log"
        self._ready = folder / f"{name}.ready"
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def is_ready(self) -> bool:
        """Whether the process that runs now has opened its partitions."""
        words = self._ready.read_text().split() if self._ready.exists() else []
        return bool(words) and self.pid == int(words[0])

    def start(self) -> None:
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def until_ready(self, patience: float = START) -> None:
        """Raises NotReady."""
        try:
            async with asyncio.timeout(patience):
                while not self.is_ready:  # noqa: ASYNC110 - another process writes the file
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(
                f"{self.name} was not ready within {patience:.0f} s; it said: {self.last_words}"
            ) from None

    def signal(self, number: int) -> bool:
        """Whether there was a process to hear it."""
        if (pid := self.pid) is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False

    async def restart(self, **once: str) -> None:
        """End it gracefully; the next process, and no later one, gets `once`."""
        self.once = once
        before = len(self.endings)
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(GRACE):
            while self.pid is not None and len(self.endings) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """For good.  One that sleeps is woken, as its end is to be graceful."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await process.wait()

    @property
    def last_words(self) -> str:
        lines = (
            self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        )
        return lines[-1][:300] if lines else "nothing"

    async def _keep(self) -> None:
        while True:
            process = await self._spawn()
            self.endings.append(await process.wait())
            await asyncio.sleep(AGAIN_AFTER)

    async def _spawn(self) -> asyncio.subprocess.Process:
        once, self.once = self.once, {}
        self._ready.unlink(missing_ok=True)
        environment = {**os.environ, **self.environment, **once}
        pipe = environment.get(PIPE)
        with open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:  # noqa: ASYNC230
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self.module,
                self.processor,
                "--instance",
                self.name,
                "--ready-file",
                str(self._ready),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=ROOT,
                pass_fds=(int(pipe),) if pipe else (),
                start_new_session=True,
            )
        return self._process


class WorkerPool:
    """All workers of a stack, by name.  They die with us, also when we are killed
    (`services.parent_watch`)."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._pipe, self._ours = os.pipe()
        self._folder, self._environment = folder, {**environment, PIPE: str(self._pipe)}
        self.workers: dict[str, Worker] = {}

    def join(self, processor: str, name: str | None = None) -> Worker:
        worker = Worker(processor, name or processor, self._folder, self._environment)
        self.workers[worker.name] = worker
        worker.start()
        return worker

    async def leave(self, name: str) -> None:
        await self.workers.pop(name).stop()

    async def until_ready(self) -> None:
        await asyncio.gather(*[worker.until_ready() for worker in self.workers.values()])

    async def end(self) -> None:
        await asyncio.gather(*[worker.stop() for worker in self.workers.values()])
        self.workers.clear()
        for side in (self._pipe, self._ours):
            with suppress(OSError):
                os.close(side)
