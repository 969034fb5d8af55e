"""Standing still is noticed: a worker that holds partitions with something to read and has not moved is ended.

Faust's consumers are known to hang without a word; lag that the consumer itself reports freezes with it.  So the ends
are asked of the broker, by a client of its own, and a thread looks after the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.kit.host import Host

log = logging.getLogger(__name__)


class Stalled(Exception):
    """The worker held partitions with lag and did not move."""


class Watchdog:
    """`patience` in seconds: longer than any transaction, rebalance or restore may take."""

    def __init__(self, host: Host, *, patience: float = 60.0, every: float = 5.0) -> None:
        self.host, self.patience, self.every = host, patience, every
        self._beat = self._moved = time.monotonic()
        self._last: Any = None

    async def run(self) -> None:
        threading.Thread(target=self._watch_loop, daemon=True, name="watchdog").start()
        broker = AIOKafkaConsumer(
            bootstrap_servers=self.host.bootstrap, isolation_level="read_committed", **self.host.auth
        )
        await broker.start()
        try:
            while True:
                await asyncio.sleep(self.every)
                self._beat = time.monotonic()
                await self._look(broker)
        finally:
            await broker.stop()

    async def _look(self, broker: AIOKafkaConsumer) -> None:
        host = self.host
        now, consumed = time.monotonic(), dict(host.positions())
        seen = (host.generation, host.progress, host.live)
        if seen != self._last or not host.live:
            self._last, self._moved = seen, now
            return
        ends = await broker.end_offsets(list(consumed)) if consumed else {}
        behind = {place: ends[place] - at for place, at in consumed.items() if ends[place] - at > 1}
        behind = {place: n for place, n in behind.items() if await self._unread(place, ends[place])}
        if not behind:
            self._moved = now
        elif now - self._moved > self.patience:
            worst = max(behind, key=lambda place: behind[place])
            host.die(Stalled(f"{worst.topic} partition {worst.partition} is {behind[worst]} behind and nothing moves"))

    async def _unread(self, place: Any, end: int) -> bool:
        """Markers of transactions take offsets: what the consumer has stepped over is not lag."""
        runner = self.host.lanes.get(place.partition)
        if runner is None:
            return False
        if runner.lane.first or runner.lane.then:
            return True
        thread = self.host.app.consumer._thread
        try:
            position: int = await asyncio.wait_for(thread.call_thread(thread._consumer.position, place), 5)
        except TimeoutError:
            return True  # the consumer's thread itself does not answer
        return position < end

    def _watch_loop(self) -> None:
        while True:
            time.sleep(self.every)
            silent = time.monotonic() - self._beat
            if silent > self.patience + self.every:
                self.host.die(Stalled(f"the event loop has not answered for {silent:.0f} s"))
