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
from streams.runtime.timing import Lease, batch_delay, boot_time
from streams.runtime.transactional_writer import TransactionalWriter

if TYPE_CHECKING:
    from streams.runtime.faust_app import FaustApp

MAX_SLEEP = 60.0
BATCH_FAILPOINTS = ("after-fold", "in-transaction", "after-commit")
RESULT_FAILPOINTS = ("before-result-commit", "in-result-transaction", "after-result-commit")
"""Steps of a batch's life; of one with what came of calls."""
SLICE_SECONDS = 0.002
"""Seconds of judging between two looks at the network and at other lanes."""
MIN_SLICE = 10
"""Facts that are judged in any case before such a look."""

HEADWAY = 0.05
"""Seconds for which a batch is judged in any case, also if a STOP comes meanwhile: else a stream of consents would
leave only crumbs to what comes after them."""


class Runner:
    """Joins a lane to its writer.  One slow lane stops no other: each has a task of its own."""

    def __init__(
        self, faust_app: FaustApp, task: PartitionTask, writer: TransactionalWriter
    ) -> None:
        self.faust_app, self.task, self.writer = faust_app, task, writer
        self._kick = asyncio.Event()
        self._committing = self._draining = False
        self._slice_records = MIN_SLICE
        self._task: asyncio.Task[None] | None = None
        self._calls: dict[asyncio.Task[None], tuple[Hashable, Lease]] = {}

    @property
    def is_busy(self) -> bool:
        return (
            self._committing or bool(self._calls) or bool(self._draining and self.task.call_results)
        )

    def feed(self, topic: str, records: list[Any]) -> None:
        self.task.feed(topic, records)
        self._kick.set()

    def note_position(self, topic: str, position: int) -> None:
        self.task.note_position(topic, position)
        self._kick.set()

    def resume(self) -> None:
        """After an assignment, also of a lane that was kept: the consumer is sought to its positions."""
        self._draining = False
        self.faust_app.hooks.on_failpoint("on-open")
        self.task.rewind()
        self._kick.set()
        if self._task is None:
            self._task = asyncio.create_task(
                self._work(), name=f"{self.task.processor.name}-{self.task.partition}"
            )

    def drain(self) -> None:
        """Start no call; those under way may end, and what came of them is still written."""
        self._draining = True
        self.faust_app.hooks.on_failpoint("on-revoke")
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
                self.task.follow_settings(self.faust_app.hooks.settings())
                if self._draining:
                    await self._commit_final_batch()
                elif self.faust_app.live and self.task.idle_until() <= self.faust_app.hooks.clock():
                    await self._run_batch()
                    continue
                await self._sleep()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is: memory may be ahead of Kafka, so leave
            self.faust_app.fail_fast(error)

    async def _run_batch(self) -> None:
        started, tx = time.monotonic(), self.task.begin(self._now())
        self.faust_app.arrival_rate.note(started, len(tx.work))
        answered = _begins_with_answers(tx)
        await self._commit(tx)
        if answered and self.task.timers.next() <= self.faust_app.hooks.clock():
            return  # answers have made room for calls: those need not wait for others to come together
        full = self.task.priority_buffer.is_full or self.task.buffer.is_full
        await (asyncio.sleep(0) if full else self._rest(started))

    async def _rest(self, since: float) -> None:
        """Let facts come together; a STOP, or what else comes first and cannot wait, ends it."""
        await asyncio.sleep(0)
        task, batching = self.task, self.task.processor.batching
        while not (self._draining or task.has_stop):
            timer = task.timers.next() - self.faust_app.hooks.clock()
            due = timer <= 0 or task.has_urgent
            now = time.monotonic()
            seconds = batch_delay(
                batching,
                self.faust_app.limits.tick,
                self.faust_app.arrival_rate.is_high(now),
                task.pending,
                due,
            )
            left = since + seconds - now
            if left <= 0:
                return
            self._kick.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left if timer <= 0 else min(left, timer)):
                    await self._kick.wait()

    async def _commit_final_batch(self) -> None:
        if self.task.call_results:
            await self._commit(self.task.final_batch(self._now()))

    async def _sleep(self) -> None:
        due = self.task.idle_until() - self.faust_app.hooks.clock()
        left = min(MAX_SLEEP, due) if self.faust_app.live and not self._draining else MAX_SLEEP
        self._kick.clear()
        if self._draining and self.task.call_results:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                await self._kick.wait()

    async def _commit(self, tx: Transaction) -> None:
        self._committing = True
        settings, reached = self.faust_app.hooks.settings(), self.faust_app.hooks.on_failpoint
        reached("before-batch")
        steps = RESULT_FAILPOINTS if _begins_with_answers(tx) else BATCH_FAILPOINTS
        began = time.monotonic()
        while self._evaluate_slice(tx, settings):
            await asyncio.sleep(0)
            if time.monotonic() - began > HEADWAY:
                self.task.cut_short(tx)
        self._cancel_calls(effect for _, effect in tx.calls)
        asked = boot_time()
        if not tx.is_empty:
            self.faust_app.dlq_limit.add(tx.record_count, tx.dead_letter_count)
            reached(steps[0])
            await self.writer.commit(self.task, tx, lambda: reached(steps[1]))
            reached(steps[2])
            self.task.mark_committed(tx)
            self.faust_app.record_progress(self.task)
            self.faust_app.hooks.on_commit(tx, boot_time() - asked)
        self._committing = False
        for entity_key, effect in tx.calls:
            if not isinstance(effect, CancelCall):
                self._begin(entity_key, effect, asked)
        reached("calls-begun" if tx.calls else "")
        self._cancel_calls(effect for _, effect in tx.calls)

    def _evaluate_slice(self, tx: Transaction, settings: Settings) -> bool:
        """As many facts at a time as took a SLICE last: a fact costs this room 5 us and that one 200."""
        began, before = time.perf_counter(), len(tx.work)
        more = self.task.evaluate(tx, settings, self._slice_records)
        judged, took = before - len(tx.work), time.perf_counter() - began
        if judged == self._slice_records:
            self._slice_records = max(
                MIN_SLICE, min(2 * judged, int(judged * SLICE_SECONDS / max(took, 1e-6)))
            )
        return more

    def _cancel_calls(self, calls: Iterable[Any]) -> None:
        """As soon as it is judged: what has not begun by now does not begin."""
        gone = {effect.identity for effect in calls if isinstance(effect, CancelCall)}
        for identity, lease in self._calls.values() if gone else ():
            if identity in gone:
                lease.revoke()

    def _begin(self, entity_key: str, effect: Any, asked: float) -> None:
        """Only now, after the commit: the row that says "under way" is durable.  The lease runs since `asked`."""
        lease = Lease(float("-inf") if self._draining else self.faust_app.limits.lease, since=asked)
        task = asyncio.create_task(self._execute(entity_key, effect, lease))
        self._calls[task] = effect.identity, lease
        task.add_done_callback(self._calls.pop)

    async def _execute(self, entity_key: str, effect: Any, lease: Lease) -> None:
        try:
            if self.faust_app.hooks.execute_call is None:
                raise RuntimeError(
                    f"the {self.task.processor.name} room has effects and nobody to perform them"
                )
            answer = await self.faust_app.hooks.execute_call(effect, lease)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - an expected failure is an Answer; this is a bug
            self.faust_app.fail_fast(error)
            return
        self.task.call_results.append(CallResult(entity_key, answer))
        self._kick.set()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.faust_app.hooks.clock(), UTC)


def _begins_with_answers(tx: Transaction) -> bool:
    return bool(tx.work) and type(tx.work[0]) is CallResult
