"""Processes that the starter has forked for us, and how to wait for them and end them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from services.parent_watch import PIPE


class StarterFailed(Exception):
    """One sentence: the starter is gone, and its exit code."""


class Started:
    """A process that runs, or has run: as `asyncio.subprocess.Process`, but not our own child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """None while it runs; below zero it is the signal that ended it."""
        return self._code.result() if self._code.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._code)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)


class Starter:
    """Asks the starter for processes. It is started with the first one, and anew if it died."""

    def __init__(self, pipe: int) -> None:
        """`pipe`: what its processes watch to end with us (`services.parent_watch`)."""
        self._pipe = pipe
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self._asked: dict[int, asyncio.Future[Started]] = {}
        self._running: dict[int, Started] = {}
        self._key = 0

    async def start(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> Started:
        """`python -m MODULE ARGUMENTS` in a session of its own, its output in `log`, an absolute
        path.

        A session of its own, since Ctrl-C is for us: we stop the processes in order. Raises
        StarterFailed."""
        process = await self._begin()
        self._key += 1
        asked = self._asked[self._key] = asyncio.get_running_loop().create_future()
        request = {
            "key": self._key,
            "module": module,
            "arguments": arguments,
            "environment": {**environment, PIPE: str(self._pipe)},
            "log": str(log),
        }
        assert process.stdin is not None
        process.stdin.write(orjson.dumps(request) + b"\n")
        started: Started = await asked
        return started

    async def close(self) -> None:
        """It ends with its input; its processes end with the pipe."""
        process, self._process = self._process, None
        if process is None or self._reader is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        self._running.clear()
        await self._reader
        await process.wait()

    async def _begin(self) -> asyncio.subprocess.Process:
        async with self._beginning:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "services.local.starter",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    pass_fds=(self._pipe,),
                    start_new_session=True,
                )
                self._reader = asyncio.create_task(
                    self._read(self._process), name="answers of the starter"
                )
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            answer = orjson.loads(line)
            if "code" in answer:
                if ended := self._running.pop(answer["key"], None):
                    ended._end(answer["code"])
            else:
                started = self._running[answer["key"]] = Started(answer["pid"])
                self._asked.pop(answer["key"]).set_result(started)
        if self._process is process:
            await self._end_all(process)

    async def _end_all(self, process: asyncio.subprocess.Process) -> None:
        """Nobody can tell how its processes end now. Each is killed, and so started again."""
        self._process = None
        code = await process.wait()
        for asked in self._asked.values():
            asked.set_exception(StarterFailed(f"what starts processes ended (exit code {code})"))
        for started in self._running.values():
            started.kill()
            started._end(-signal.SIGKILL)
        self._asked.clear()
        self._running.clear()
