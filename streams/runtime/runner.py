"""The loop of one partition: wait, evaluate a batch, commit it, then begin its calls.

Theory of operation

*Calls.*  A call begins only after the commit, when the state entry that says "sending" is durable.
It holds a lease counted from before the commit (see `timing`).  `CancelCall` revokes the lease at
once: a call that has not begun by then does not begin.  Results of calls are fed back to the task,
and are the first thing that the next batch takes.

*Slices.*  A batch is evaluated in slices of two milliseconds, so that heartbeats and other
partitions get their turn. If a STOP arrives meanwhile, the batch is cut short, but not before
`HEADWAY`: else a stream of consents would leave only crumbs to the records behind them.

*Timers.*  Where a processor `checks_ends` and a timer is due, the broker says first where the
topics end (see `EndsCheck`).  If it does not answer, timers wait and records do not.

*Rest.*  After a batch the loop lets records gather for the batch delay.  A STOP ends the rest.

*Failure.*  Any exception ends the process: memory may be ahead of Kafka, and the next owner
restores what is durable.  Only where a transaction's answer was lost with its connection, the same
is done in this process (`reopening`): the runner is given up for a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from schemas.base import Message
from streams.partition.dlq_limit import describe_remedy, standstill_name
from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult, Transaction
from streams.processing import CancelCall, Settings
from streams.runtime.strict_transactions import LostAnswer, NoAnswer
from streams.runtime.timing import ArrivalRate, Lease, RuntimeLimits, batch_delay, boot_time
from streams.runtime.transactional_writer import TransactionalWriter

log = logging.getLogger(__name__)

ExecuteCall = Callable[[Any, Lease], Awaitable[Message]]

MAX_SLEEP = 60.0
BATCH_FAILPOINTS = ("after-fold", "in-transaction", "after-commit")
RESULT_FAILPOINTS = ("before-result-commit", "in-result-transaction", "after-result-commit")
"""The steps of a batch; of a batch that begins with results of calls."""
SLICE_SECONDS = 0.002
"""Seconds of evaluation before the event loop gets its turn."""
MIN_SLICE = 10
"""Records that are evaluated in any case before that."""
ASK_AGAIN = 0.5
"""Seconds until a broker that said nothing is asked once more where topics end."""
HEADWAY = 0.05
"""Seconds for which a batch is evaluated in any case, also if a STOP arrives meanwhile."""


@dataclass
class Hooks:
    """How the outside is told, and where settings, calls and the time come from."""

    settings: Callable[[], Settings] = Settings
    execute_call: ExecuteCall | None = None
    """Makes a call and returns its result; an exception is a bug and ends the process."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    on_ready: Callable[[list[int]], None] = lambda partitions: None
    """The partitions that we own, after each rebalance."""
    on_fatal: Callable[[BaseException], None] = field(default=lambda error: os._exit(70))
    on_failpoint: Callable[[str, Collection[str]], None] = lambda point, topics: None
    """Told of each step, and what the batch at hand publishes to: a test may end the process
    there."""
    on_commit: Callable[[Transaction, float], None] = lambda tx, seconds: None
    """A batch is durable; the seconds are those of its transaction."""
    on_standstill: Callable[[str, int], None] = lambda topic, partition: None
    """A topic's partition stands still, from now on or again after a start."""
    on_restore: Callable[[int, float], None] = lambda entries, seconds: None
    """State was restored: how many entries, in how many seconds."""
    on_reopen: Callable[[int], None] = lambda partition: None
    """A partition is opened again (`reopening`)."""


class Owner(Protocol):
    """What a runner needs of its app."""

    hooks: Hooks
    limits: RuntimeLimits
    arrival_rate: ArrivalRate
    live: bool

    def fail_fast(self, error: BaseException) -> None: ...

    def reopen(self, runner: Runner, error: NoAnswer) -> None: ...

    def record_progress(self, task: PartitionTask) -> None: ...

    async def read_ends(self, topics: list[str], partition: int) -> Mapping[str, int] | None: ...


class Runner:
    """Joins a partition task to its writer.  Each has an asyncio task of its own: a slow one delays
    no other."""

    def __init__(self, owner: Owner, task: PartitionTask, writer: TransactionalWriter) -> None:
        self.owner = owner
        self.task = task
        self.writer = writer
        self._kick = asyncio.Event()
        self._committing = False
        self._draining = False
        self._slice_records = MIN_SLICE
        """How many records took SLICE_SECONDS last: one processor needs 5 us a record, another
        200."""
        self._task: asyncio.Task[None] | None = None
        self._results: list[CallResult] = []
        """Those that the batch under way begins with."""
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
        """After an assignment, also of a partition that we kept: the consumer is sought to its
        positions."""
        self._draining = False
        self.owner.hooks.on_failpoint("on-open", ())
        self.task.rewind()
        self._kick.set()
        if self._task is None:
            self._task = asyncio.create_task(
                self._work(), name=f"{self.task.processor.name}-{self.task.partition}"
            )

    def drain(self) -> None:
        """Begin no call; those under way may end, and their results are still written."""
        self._draining = True
        self.owner.hooks.on_failpoint("on-revoke", ())
        for _, lease in self._calls.values():
            lease.revoke()
        self._kick.set()

    async def end_calls(self) -> list[CallResult]:
        """Begin no call; when those under way have ended, all results that are not surely
        durable."""
        for _, lease in self._calls.values():
            lease.revoke()
        await asyncio.gather(*self._calls)
        return [*self._results, *self.task.call_results]

    async def close(self) -> None:
        for task in (self._task, *self._calls):
            if task is not None:
                task.cancel()
        await self.writer.stop()

    async def _work(self) -> None:
        try:
            while True:
                self.task.follow_settings(self.owner.hooks.settings())
                if self._draining:
                    await self._commit_final_batch()
                elif self.owner.live and self.task.idle_until() <= self.owner.hooks.clock():
                    await self._run_batch()
                    continue
                await self._sleep()
        except asyncio.CancelledError:
            raise
        except LostAnswer as error:
            self.owner.reopen(self, error)
        except BaseException as error:  # noqa: BLE001 - memory may be ahead of Kafka, so leave
            self.owner.fail_fast(error)

    async def _run_batch(self) -> None:
        started = time.monotonic()
        now = self.owner.hooks.clock()
        if self.task.ends_check.must_ask(self.task.timers.next(), now):
            await self._ask_for_ends(now)
            if self._draining or not self.owner.live:
                return  # a rebalance has come meanwhile: nothing new begins
        self._results = list(self.task.call_results)
        tx = self.task.begin(self._now())
        self.owner.arrival_rate.note(started, len(tx.work))
        has_results = _begins_with_results(tx)
        await self._commit(tx)
        if has_results and self.task.timers.next() <= self.owner.hooks.clock():
            return  # calls that ended have made room for others, which need not wait for company
        full = self.task.priority_buffer.is_full or self.task.buffer.is_full
        await (asyncio.sleep(0) if full else self._rest(started))

    async def _ask_for_ends(self, now: float) -> None:
        ends = await self.owner.read_ends(self.task.checked_topics, self.task.partition)
        if ends is not None:
            self.task.ends_check.note(ends, now)
        elif not self.task.pending:
            await asyncio.sleep(ASK_AGAIN)

    async def _rest(self, since: float) -> None:
        """Let records gather until the batch delay is over.  A STOP ends it at once."""
        await asyncio.sleep(0)
        task = self.task
        batching = task.processor.batching
        while not (self._draining or task.has_stop):
            timer = task.timers.next() - self.owner.hooks.clock()
            is_due = timer <= 0 or task.has_urgent
            now = time.monotonic()
            seconds = batch_delay(
                batching,
                self.owner.limits.tick,
                self.owner.arrival_rate.is_high(now),
                task.pending,
                is_due,
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
            self._results = list(self.task.call_results)
            await self._commit(self.task.final_batch(self._now()))

    async def _sleep(self) -> None:
        due = self.task.idle_until() - self.owner.hooks.clock()
        left = min(MAX_SLEEP, due) if self.owner.live and not self._draining else MAX_SLEEP
        self._kick.clear()
        if self._draining and self.task.call_results:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, left)):
                await self._kick.wait()

    async def _commit(self, tx: Transaction) -> None:
        self._committing = True
        settings = self.owner.hooks.settings()
        on_failpoint = self.owner.hooks.on_failpoint
        on_failpoint("before-batch", ())
        steps = RESULT_FAILPOINTS if _begins_with_results(tx) else BATCH_FAILPOINTS
        began = time.monotonic()
        while self._evaluate_slice(tx, settings):
            await asyncio.sleep(0)
            if time.monotonic() - began > HEADWAY:
                self.task.cut_short(tx)
        self._cancel_calls(call for _, call in tx.calls)
        requested_at = boot_time()
        if not tx.is_empty:
            topics = {topic for topic, _ in tx.outgoing}
            on_failpoint(steps[0], topics)
            try:
                await self.writer.commit(self.task, tx, lambda: on_failpoint(steps[1], topics))
            except LostAnswer:
                self._waive_calls(tx)
                raise
            on_failpoint(steps[2], topics)
            self.task.mark_committed(tx)
            self.owner.record_progress(self.task)
            self.owner.hooks.on_commit(tx, boot_time() - requested_at)
        self._log_standstills(tx)
        self._committing = False
        for entity_key, call in tx.calls:
            if not isinstance(call, CancelCall):
                self._begin_call(entity_key, call, self._lease(requested_at))
        on_failpoint("calls-begun" if tx.calls else "", ())
        self._cancel_calls(call for _, call in tx.calls)

    def _log_standstills(self, tx: Transaction) -> None:
        for topic in tx.standstills:
            standstill = self.task.standstills[topic]
            partition = self.task.partition
            self.owner.hooks.on_standstill(topic, partition)
            log.error(
                "%s partition %s %s: %s",
                topic,
                partition,
                standstill.describe(),
                describe_remedy(standstill_name(topic, partition, standstill)),
            )

    def _evaluate_slice(self, tx: Transaction, settings: Settings) -> bool:
        """Evaluate for about SLICE_SECONDS; whether there is more."""
        began = time.perf_counter()
        before = len(tx.work)
        more = self.task.evaluate(tx, settings, self._slice_records)
        count = before - len(tx.work)
        took = time.perf_counter() - began
        if count == self._slice_records:
            fitting = int(count * SLICE_SECONDS / max(took, 1e-6))
            self._slice_records = max(MIN_SLICE, min(2 * count, fitting))
        return more

    def _cancel_calls(self, calls: Iterable[Any]) -> None:
        """Revoke leases as soon as that is evaluated: what has not begun by now does not begin."""
        canceled = {call.identity for call in calls if isinstance(call, CancelCall)}
        for identity, lease in self._calls.values() if canceled else ():
            if identity in canceled:
                lease.revoke()

    def _lease(self, requested_at: float) -> Lease:
        """Of a call after the commit that was requested at this time, from when on it counts."""
        seconds = float("-inf") if self._draining else self.owner.limits.lease
        return Lease(seconds, since=requested_at)

    def _waive_calls(self, tx: Transaction) -> None:
        """The transaction may be durable, and with it entries that say that these calls were begun.
        They surely were not: under a lease that is over each has just that for a result."""
        for entity_key, call in tx.calls:
            if not isinstance(call, CancelCall):
                self._begin_call(entity_key, call, Lease(float("-inf")))

    def _begin_call(self, entity_key: str, call: Any, lease: Lease) -> None:
        task = asyncio.create_task(self._execute(entity_key, call, lease))
        self._calls[task] = call.identity, lease
        task.add_done_callback(self._calls.pop)

    async def _execute(self, entity_key: str, call: Any, lease: Lease) -> None:
        try:
            if self.owner.hooks.execute_call is None:
                raise RuntimeError(
                    f"{self.task.processor.name} has calls to make, and nobody makes them"
                )
            result = await self.owner.hooks.execute_call(call, lease)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - a failed call has a result; this is a bug
            self.owner.fail_fast(error)
            return
        self.task.call_results.append(CallResult(entity_key, result))
        self._kick.set()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.owner.hooks.clock(), UTC)


def _begins_with_results(tx: Transaction) -> bool:
    return bool(tx.work) and type(tx.work[0]) is CallResult
