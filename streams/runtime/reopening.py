"""Open one partition again, in this process, after a transactional request of it got no answer.

Theory of operation

Nobody knows what became of the transaction, so memory may be ahead of Kafka or behind it.  What a
new process would do is done here, for this partition alone, while the others go on:

1. The runner is given up, with its task and all that was in memory.  The leases of its calls end:
   what has not begun does not begin.  No fetch feeds the partition any more.
2. The group's coordinator says that we are a member still.  Otherwise another worker may own the
   partition by now, and our fence would end that worker.
3. A new writer fences the old one.  The broker ends the transaction that was open, one way or the
   other, and refuses late copies of its requests, for they have the old epoch.
4. State and positions are restored.  They say which way it was.
5. Calls that were under way have ended by then.  Their results, and those of the transaction, are
   the first thing that the new task takes.  A result counts for the attempt that it names, so one
   that is durable already changes nothing.
6. The consumer is sought to the restored positions, and only then the partition is fed.

A rebalance or a stop that comes meanwhile ends this at its next step.  The take-over opens the
partition then, as any that it did not keep.  Whatever else fails ends the process, and so does a
partition that loses answers again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, Protocol

from aiokafka import TopicPartition

from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult
from streams.runtime.last_words import explain
from streams.runtime.runner import Hooks, Runner
from streams.runtime.strict_transactions import NoAnswer
from streams.runtime.timing import RuntimeLimits

log = logging.getLogger(__name__)

MOST: Final = 3
"""Times that one partition is opened again ..."""
WITHIN: Final = 60.0
"""... in so many seconds.  After that the process ends."""
LOOK_AGAIN: Final = 0.05
"""Seconds between two looks whether the partition is still to be opened."""
ASK_AGAIN: Final = 0.2
"""Seconds between two questions whether we are a member."""


class Host(Protocol):
    """What is needed of the app."""

    live: bool
    rebalances: int
    stale_serial: int
    progress_at: float
    hooks: Hooks
    limits: RuntimeLimits
    runners: dict[int, Runner]

    @property
    def thread(self) -> Any: ...

    def fail_fast(self, error: BaseException) -> None: ...

    def build_runner(self, partition: int) -> Runner: ...

    async def open(self, fresh: Collection[Runner], is_wanted: Callable[[], bool]) -> None: ...


class Reopener:
    def __init__(self, host: Host) -> None:
        self._host = host
        self.under_way: dict[int, float] = {}
        """By partition: when it last came nearer, on the monotonic clock, for the watchdog."""
        self._begun: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=MOST))
        self._tasks: set[asyncio.Task[None]] = set()

    def reopen(self, runner: Runner, error: NoAnswer) -> None:
        """In the background.  The runner is fed nothing from now on."""
        partition = runner.task.partition
        begun = self._begun[partition]
        now = time.monotonic()
        if len(begun) == MOST and now - begun[0] < WITHIN:
            self._host.fail_fast(error)
            return
        begun.append(now)
        self._host.runners.pop(partition, None)
        self._host.hooks.on_reopen(partition)
        log.warning("partition %s is opened again: %s", partition, explain(error))
        self.under_way[partition] = now
        opening = asyncio.create_task(
            self._reopen(runner, self._host.rebalances, error), name=f"reopen {partition}"
        )
        self._tasks.add(opening)
        opening.add_done_callback(self._tasks.discard)

    async def _reopen(self, given_up: Runner, turn: int, lost: NoAnswer) -> None:
        partition = given_up.task.partition
        host = self._host

        def is_wanted() -> bool:
            return host.live and turn == host.rebalances

        fresh: Runner | None = host.build_runner(partition)
        ending = asyncio.create_task(given_up.end_calls())
        try:
            assert fresh is not None
            if await self._restore(fresh, ending, is_wanted):
                host.runners[partition] = fresh
                host.progress_at = time.monotonic()
                fresh.resume()
                fresh = None
        except NoAnswer as error:
            host.fail_fast(NoAnswer(f"{lost}; then {error}"))
        except Exception as error:  # noqa: BLE001 - a half-opened partition must not live on
            host.fail_fast(error)
        finally:
            ending.cancel()
            await given_up.close()
            if fresh is not None:
                await fresh.close()
            self.under_way.pop(partition, None)

    async def _restore(
        self,
        fresh: Runner,
        ending: asyncio.Task[list[CallResult]],
        is_wanted: Callable[[], bool],
    ) -> bool:
        """Whether the partition is still wanted, and the runner may be fed as soon as this
        returns."""

        def is_restoring() -> bool:
            self.under_way[fresh.task.partition] = time.monotonic()
            return is_wanted()

        if not (
            await _do_while(is_wanted, self._await_membership(is_wanted))
            and await _do_while(is_wanted, self._host.open([fresh], is_restoring))
            and await _do_while(is_wanted, asyncio.wait([ending]))
            and is_wanted()
        ):
            return False
        fresh.task.call_results.extend(ending.result())
        thread = self._host.thread
        async with asyncio.timeout(self._host.limits.fence_timeout):
            await thread.seek_exact(self._positions_with(fresh.task))
        if is_wanted():
            return True
        # The rebalance has come in the middle of our seek, which undid what it had prepared.
        thread.allow_reset(True)
        self._host.stale_serial = thread.serial
        return False

    async def _await_membership(self, is_wanted: Callable[[], bool]) -> None:
        limit = self._host.limits.fence_timeout
        try:
            async with asyncio.timeout(limit):
                while is_wanted() and not await self._host.thread.is_member():  # noqa: ASYNC110
                    await asyncio.sleep(ASK_AGAIN)
        except TimeoutError:
            raise NoAnswer(
                f"the consumer group did not confirm for {limit:.0f} s that this worker is a member"
            ) from None

    def _positions_with(self, restored: PartitionTask) -> Mapping[TopicPartition, int]:
        """Where each partition goes on.  What the others have in their buffers is not read again;
        what comes between this and the seek is dropped when it is."""
        tasks = [*(runner.task for runner in self._host.runners.values()), restored]
        return {
            TopicPartition(topic, task.partition): offset
            for task in tasks
            for topic, offset in task.expected.items()
        }


async def _do_while(is_wanted: Callable[[], bool], work: Awaitable[Any]) -> bool:
    """Whether it was done.  Once it is not wanted any more it is cancelled, whatever it waits
    for."""
    doing = asyncio.ensure_future(work)
    try:
        while not doing.done():
            if not is_wanted():
                return False
            await asyncio.wait([doing], timeout=LOOK_AGAIN)
        doing.result()
    finally:
        if not doing.done():
            doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing
    return True
