"""What makes a run repeat exactly: simulated time, and randomness that needs no order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from hashlib import blake2b
from typing import Any, TypeVar

T = TypeVar("T")


class SeededRandom:
    """Each draw is a hash of the seed and of what it is for.

    So a draw does not depend on the order in which calls arrive.
    """

    def __init__(self, seed: int | str) -> None:
        self._key = str(seed).encode()[:64]

    def draw(self, *purpose: object) -> float:
        """A number in [0, 1), the same for the same seed and purpose."""
        return int.from_bytes(self._digest(8, purpose), "big") / 2**64

    def between(self, bounds: tuple[float, float], *purpose: object) -> float:
        low, high = bounds
        return low if low == high else low + (high - low) * self.draw(*purpose)

    def pick(self, weights: Mapping[T, float], *purpose: object) -> T:
        """One of the keys, in proportion to its weight."""
        left = self.draw(*purpose) * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return choice

    def sid(self, prefix: str, *purpose: object) -> str:
        """A Twilio SID: two letters and 32 hex digits."""
        return prefix + self._digest(16, (prefix, *purpose)).hex()

    def _digest(self, size: int, purpose: tuple[object, ...]) -> bytes:
        text = "|".join(map(str, purpose)).encode()
        return blake2b(text, digest_size=size, key=self._key).digest()


class Clock:
    """Simulated seconds: the event loop's own, `speed` times as fast."""

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

    def to_real(self, seconds: float) -> float:
        """How many real seconds these simulated ones take."""
        return seconds / self._speed

    def call_later(self, seconds: float, action: Callable[[], Any]) -> None:
        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = self._loop.call_later(seconds / self._speed, run)
        self._timers.add(timer)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def pending(self) -> int:
        """Status changes, receipts and replies that are still to come."""
        return len(self._timers) + len(self._tasks)

    async def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
