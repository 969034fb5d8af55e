"""Keeps child processes running: started in stages, started again when they die, stopped in order.

They die with us, also when we are killed: each holds the reading end of a pipe (`services.parent_watch`)."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from services.parent_watch import PIPE

START = 60.0
"""Seconds a part may take to get ready."""
GRACE = 10.0
"""Seconds a part gets to end by itself."""
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 1.0, 30.0, 30.0
"""Seconds before a dead part is started again: doubled each time, from the start again once it lived `STEADY`."""


class PartFailed(Exception):
    """One sentence: which part did not start, what it said, where its log is."""


class Part(NamedTuple):
    """`command` follows `python -m`; `ready` is the option by which the part is told which file to create when it is
    ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: str = "--ready-file"


class Supervisor:
    """`say` tells a person, in one sentence, what happened to a part."""

    def __init__(self, state: Path, say: Callable[[str], None]) -> None:
        self._run, self._logs = state / "run", state / "logs"
        for folder in (self._run, self._logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._say = say
        self._pipe, self._ours = os.pipe()
        self._children: dict[str, _Child] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of those it keeps."""
        return tuple(self._children)

    async def start(self, parts: Sequence[Part]) -> None:
        """Returns when all of them are ready.  Raises PartFailed."""
        fresh = [_Child(part, self._run, self._logs, self._pipe, self._say) for part in parts]
        self._children |= {child.part.name: child for child in fresh}
        await asyncio.gather(*(child.start() for child in fresh))

    async def stop(self, *names: str) -> None:
        """Those named, or all, at the same time; returns when they have ended."""
        chosen = [
            self._children.pop(name) for name in (names or self.names) if name in self._children
        ]
        await asyncio.gather(*(child.stop() for child in chosen))

    def close(self) -> None:
        """After `stop`; whatever is still there ends now."""
        for end in (self._pipe, self._ours):
            with suppress(OSError):
                os.close(end)


class _Child:
    def __init__(
        self, part: Part, run: Path, logs: Path, pipe: int, say: Callable[[str], None]
    ) -> None:
        self.part = part
        self._ready = run / f"{part.name}.ready"
        self._log = logs / f"{part.name}.log"
        self._pipe = pipe
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        process = await self._spawn()
        if not await self._is_ready(process):
            raise PartFailed(
                f"{self.part.name} did not start: {self._last_words()} (its log: {self._log})"
            )
        self._keeper = asyncio.create_task(self._keep(process), name=f"keep {self.part.name}")

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE)
        except TimeoutError:
            self._say(f"{self.part.name} did not end within {GRACE:.0f} s and was killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await process.wait()
            pause = FIRST_PAUSE if time.monotonic() - began >= STEADY else pause
            why = _ending(code) if code < 0 else f"{_ending(code)}: {self._last_words()}"
            self._say(f"{self.part.name} ended ({why}) and is started again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            process = await self._spawn()
            if await self._is_ready(process):
                self._say(f"{self.part.name} is back")

    async def _spawn(self) -> asyncio.subprocess.Process:
        """In a session of its own: Ctrl-C reaches us only, and we end the parts in order."""
        self._ready.unlink(missing_ok=True)
        with open(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:  # noqa: ASYNC230
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self.part.command,
                self.part.ready,
                str(self._ready.absolute()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._pipe,),
                env={**os.environ, **self.part.environment, PIPE: str(self._pipe)},
                start_new_session=True,
            )
        return self._process

    async def _is_ready(self, process: asyncio.subprocess.Process) -> bool:
        deadline = time.monotonic() + START
        while process.returncode is None and time.monotonic() < deadline:
            if self._ready.exists():
                return True
            await asyncio.sleep(0.03)
        return False

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("sayso: ")[:300] if lines else "it said nothing"


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
