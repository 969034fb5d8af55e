"""Keeps child processes running: started in stages, restarted when they die, stopped in order.

They die with us, also when we are killed: each holds the reading end of a pipe
(`services.parent_watch`). A process that has imported everything forks them
(`services.local.started`).
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from services.local.started import Started, Starter, StarterFailed

START_TIMEOUT: Final = 60.0
"""Seconds a process may take to get ready."""
GRACE: Final = 10.0
"""Seconds a process gets to end by itself."""
FIRST_PAUSE: Final = 1.0
"""Seconds before a dead process is restarted, doubled for each further death."""
LONGEST_PAUSE: Final = 30.0
HEALED_IN: Final = 60.0
"""Seconds of being ready after which the pause begins at the first one again, however long it had
become. Some of them count for some of it: a pause halves every twelve seconds."""


def shorten_pause(pause: float, ready_seconds: float) -> float:
    """The pause before the next start of a process that was ready for so long."""
    halvings = ready_seconds / HEALED_IN * math.log2(LONGEST_PAUSE / FIRST_PAUSE)
    return max(FIRST_PAUSE, pause / 2**halvings)


class ProcessFailed(Exception):
    """One sentence: which process did not start, its last log line, and where its log is."""


class ProcessSpec(NamedTuple):
    name: str
    command: tuple[str, ...]
    """What follows `python -m`: one of the starter's modules and its arguments."""
    environment: Mapping[str, str]
    ready_option: str = "--ready-file"
    """The option that names the file which the process creates when it is ready."""


class Supervisor:
    def __init__(self, state: Path, say: Callable[[str], None]) -> None:
        """`say` tells a person, in one sentence, what happened to a process."""
        self._run = state.absolute() / "run"
        self._logs = state.absolute() / "logs"
        for folder in (self._run, self._logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._say = say
        self._pipe, self._our_end = os.pipe()
        self._starter = Starter(self._pipe)
        self._children: dict[str, _Child] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the processes that it keeps running."""
        return tuple(self._children)

    async def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Returns when all of them are ready. Raises ProcessFailed."""
        started = [_Child(spec, self._run, self._logs, self._starter, self._say) for spec in specs]
        self._children |= {child.spec.name: child for child in started}
        await asyncio.gather(*(child.start() for child in started))

    async def stop(self, *names: str) -> None:
        """Stop these, or all, at the same time. Returns when they have ended."""
        chosen = [
            self._children.pop(name) for name in (names or self.names) if name in self._children
        ]
        await asyncio.gather(*(child.stop() for child in chosen))

    async def close(self) -> None:
        """Call it after `stop`. Whatever still runs ends now, because its pipe closes."""
        await self._starter.close()
        for end in (self._pipe, self._our_end):
            with suppress(OSError):
                os.close(end)


class _Child:
    def __init__(
        self,
        spec: ProcessSpec,
        run: Path,
        logs: Path,
        starter: Starter,
        say: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self._ready_file = run / f"{spec.name}.ready"
        self._log = logs / f"{spec.name}.log"
        self._starter = starter
        self._say = say
        self._process: Started | None = None
        self._restarter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        process = await self._spawn()
        if not await self._wait_until_ready(process):
            raise ProcessFailed(
                f"{self.spec.name} did not start: {self._last_log_line()} (its log: {self._log})"
            )
        self._restarter = asyncio.create_task(
            self._restart_when_it_ends(process), name=f"restart {self.spec.name}"
        )

    async def stop(self) -> None:
        if self._restarter:
            self._restarter.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            self._say(f"{self.spec.name} did not end within {GRACE:.0f} s and was killed")
            process.kill()
            await process.wait()

    async def _restart_when_it_ends(self, process: Started) -> None:
        name = self.spec.name
        pause = FIRST_PAUSE
        ready_at: float | None = time.monotonic()
        while True:
            code = await process.wait()
            pause = shorten_pause(pause, time.monotonic() - ready_at if ready_at else 0.0)
            why = f"signal {-code}" if code < 0 else f"exit code {code}: {self._last_log_line()}"
            self._say(f"{name} ended ({why}) and is started again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            ready_at = None
            try:
                process = await self._spawn()
            except ProcessFailed as error:
                self._say(str(error))
                continue
            if await self._wait_until_ready(process):
                ready_at = time.monotonic()
                self._say(f"{name} is back")

    async def _spawn(self) -> Started:
        self._ready_file.unlink(missing_ok=True)
        module, *arguments = self.spec.command
        try:
            self._process = await self._starter.start(
                module,
                [*arguments, self.spec.ready_option, str(self._ready_file)],
                {**os.environ, **self.spec.environment},
                self._log,
            )
        except StarterFailed as error:
            raise ProcessFailed(f"{self.spec.name} did not start: {error}") from None
        return self._process

    async def _wait_until_ready(self, process: Started) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while process.returncode is None and time.monotonic() < deadline:
            if self._ready_file.exists():
                return True
            await asyncio.sleep(0.03)
        return False

    def _last_log_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("sayso: ")[:300] if lines else "it said nothing"
