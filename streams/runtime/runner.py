"""The task of one lane: wait, judge, commit, then let the effects begin."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Hashable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult, Transaction
from streams.processing import CancelCall, Settings
from streams.runtime.batch_delay import rest
from streams.runtime.lease import Lease, boot_time
from streams.runtime.transactional_writer import TransactionalWriter

if TYPE_CHECKING:
    from streams.runtime.faust_app import FaustApp

LONG = 60.0
BATCH = ("after-fold", "in-transaction", "after-commit")
RESULT = ("before-result-commit", "in-result-transaction", "after-result-commit")
"""Steps of a batch's life; of one with what came of calls."""
SLICE = 0.002
"""Seconds of judging between two looks at the network and at other lanes."""
FEWEST = 10
"""Facts that are judged in any case before such a look."""

HEADWAY = 0.05
"""Seconds for which a batch is judged in any case, also if a STOP comes meanwhile: else a stream of consents would
leave only crumbs to what comes after them."""


class Runner:
    """Joins a lane to its writer.  One slow lane stops no other: each has a task of its own."""

    def __init__(self, host: FaustApp, task: PartitionTask, writer: TransactionalWriter) -> None:
        self.host, self.task, self.writer = host, task, writer
        self._kick = asyncio.Event()
        self._committing = self._draining = False
        self._most = FEWEST
        self._task: asyncio.Task[None] | None = None
        self._calls: dict[asyncio.Task[None], tuple[Hashable, Lease]] = {}

    @property
    def busy(self) -> bool:
        return self._committing or bool(self._calls) or bool(self._draining and self.task.answers)

    def feed(self, topic: str, records: list[Any]) -> None:
        self.task.feed(topic, records)
        self._kick.set()

    def reached(self, topic: str, position: int) -> None:
        self.task.reached(topic, position)
        self._kick.set()

    def go(self) -> None:
        """After an assignment, also of a lane that was kept: the consumer is sought to its positions."""
        self._draining = False
        self.host.hooks.reached("on-open")
        self.task.rewind()
        self._kick.set()
        if self._task is None:
            self._task = asyncio.create_task(
                self._work(), name=f"{self.task.processor.name}-{self.task.partition}"
            )

    def drain(self) -> None:
        """Start no call; those under way may end, and what came of them is still written."""
        self._draining = True
        self.host.hooks.reached("on-revoke")
        for _, lease in self._calls.values():
            lease.revoke()
        self._kick.set()

    async def close(self) -> None:
        for task in (self._task, *self._calls):
            if task is not None:
                task.cancel()
        await self.writer.stop()

    async def _work(self) -> None:
        try:
            while True:
                self.task.follow(self.host.hooks.settings())
                if self._draining:
                    await self._last_words()
                elif self.host.live and self.task.idle_until() <= self.host.hooks.clock():
                    await self._once()
                    continue
                await self._sleep()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is: memory may be ahead of Kafka, so leave
            self.host.die(error)

    async def _once(self) -> None:
        started, tx = time.monotonic(), self.task.begin(self._now())
        self.host.flow.note(started, len(tx.work))
        answered = _begins_with_answers(tx)
        await self._commit(tx)
        if answered and self.task.timers.next() <= self.host.hooks.clock():
            return  # answers have made room for calls: those need not wait for others to come together
        full = self.task.first.full or self.task.then.full
        await (asyncio.sleep(0) if full else self._rest(started))

    async def _rest(self, since: float) -> None:
        """Let facts come together; a STOP, or what else comes first and cannot wait, ends it."""
        await asyncio.sleep(0)
        task, batching = self.task, self.task.processor.batching
        while not (self._draining or task.has_stop):
            timer = task.timers.next() - self.host.hooks.clock()
            due = timer <= 0 or task.has_urgent
            now = time.monotonic()
            seconds = rest(
                batching, self.host.pace.tick, self.host.flow.is_large(now), task.waiting, due
            )
            left = since + seconds - now
            if left <= 0:
                return
            self._kick.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left if timer <= 0 else min(left, timer)):
                    await self._kick.wait()

    async def _last_words(self) -> None:
        if self.task.answers:
            await self._commit(self.task.last_words(self._now()))

    async def _sleep(self) -> None:
        due = self.task.idle_until() - self.host.hooks.clock()
        left = min(LONG, due) if self.host.live and not self._draining else LONG
        self._kick.clear()
        if self._draining and self.task.answers:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                await self._kick.wait()

    async def _commit(self, tx: Transaction) -> None:
        self._committing = True
        settings, reached = self.host.hooks.settings(), self.host.hooks.reached
        reached("before-batch")
        steps = RESULT if _begins_with_answers(tx) else BATCH
        began = time.monotonic()
        while self._judge(tx, settings):
            await asyncio.sleep(0)
            if time.monotonic() - began > HEADWAY:
                self.task.cut(tx)
        self._withdraw(effect for _, effect in tx.calls)
        asked = boot_time()
        if not tx.empty:
            self.host.brake.add(tx.judged, tx.dead)
            reached(steps[0])
            await self.writer.commit(self.task, tx, lambda: reached(steps[1]))
            reached(steps[2])
            self.task.committed(tx)
            self.host.finished(self.task)
            self.host.hooks.committed(tx, boot_time() - asked)
        self._committing = False
        for entity_key, effect in tx.calls:
            if not isinstance(effect, CancelCall):
                self._begin(entity_key, effect, asked)
        reached("calls-begun" if tx.calls else "")
        self._withdraw(effect for _, effect in tx.calls)

    def _judge(self, tx: Transaction, settings: Settings) -> bool:
        """As many facts at a time as took a SLICE last: a fact costs this room 5 us and that one 200."""
        began, before = time.perf_counter(), len(tx.work)
        more = self.task.judge(tx, settings, self._most)
        judged, took = before - len(tx.work), time.perf_counter() - began
        if judged == self._most:
            self._most = max(FEWEST, min(2 * judged, int(judged * SLICE / max(took, 1e-6))))
        return more

    def _withdraw(self, calls: Iterable[Any]) -> None:
        """As soon as it is judged: what has not begun by now does not begin."""
        gone = {effect.identity for effect in calls if isinstance(effect, CancelCall)}
        for identity, lease in self._calls.values() if gone else ():
            if identity in gone:
                lease.revoke()

    def _begin(self, entity_key: str, effect: Any, asked: float) -> None:
        """Only now, after the commit: the row that says "under way" is durable.  The lease runs since `asked`."""
        lease = Lease(float("-inf") if self._draining else self.host.pace.lease, since=asked)
        task = asyncio.create_task(self._perform(entity_key, effect, lease))
        self._calls[task] = effect.identity, lease
        task.add_done_callback(self._calls.pop)

    async def _perform(self, entity_key: str, effect: Any, lease: Lease) -> None:
        try:
            if self.host.hooks.perform is None:
                raise RuntimeError(
                    f"the {self.task.processor.name} room has effects and nobody to perform them"
                )
            answer = await self.host.hooks.perform(effect, lease)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - an expected failure is an Answer; this is a bug
            self.host.die(error)
            return
        self.task.answers.append(CallResult(entity_key, answer))
        self._kick.set()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.host.hooks.clock(), UTC)


def _begins_with_answers(tx: Transaction) -> bool:
    return bool(tx.work) and type(tx.work[0]) is CallResult
