"""Simulated seconds: the loop's own, `speed` times as fast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Clock:
    def __init__(self, speed: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._speed = speed
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        return (self._loop.time() - self._started) * self._speed

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds / self._speed)

    def real(self, seconds: float) -> float:
        """How long that takes outside."""
        return seconds / self._speed

    def later(self, seconds: float, do: Callable[[], Any]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            do()

        timer = self._loop.call_later(seconds / self._speed, run)
        self._timers.add(timer)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def pending(self) -> int:
        """Changes, receipts and replies that are still to come."""
        return len(self._timers) + len(self._tasks)

    async def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
