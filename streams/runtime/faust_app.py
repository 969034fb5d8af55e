"""One room in one process: a Faust app with one agent that feeds lanes, one lane an owned partition number.

What Faust does: membership, assignment, the consumer's thread, the agent.  What it does not: rows, transactions,
positions, effects; its own ways to do these lose or repeat (each file of the kit says which).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from schemas.base import Message
from streams.partition.decoding import DlqLimit
from streams.partition.task import PartitionTask
from streams.partition.transaction import Transaction
from streams.processing import Settings
from streams.processor import Processor
from streams.runtime import faust_transport, vendor_internals
from streams.runtime.restore import restore
from streams.runtime.runner import Runner
from streams.runtime.timing import ArrivalRate, Lease, RuntimeLimits
from streams.runtime.transactional_writer import TransactionalWriter

ExecuteCall = Callable[[Any, Lease], Awaitable[Message]]

LOCATE_EVERY = 60.0
"""Seconds between two looks at where the consumer stands in topics that bring nothing."""


@dataclass
class Hooks:
    """How the outside is told, and where settings, effects and the time come from.  `clock`: seconds since 1970."""

    settings: Callable[[], Settings] = Settings
    execute_call: ExecuteCall | None = None
    on_ready: Callable[[list[int]], None] = lambda partitions: None
    clock: Callable[[], float] = time.time
    on_fatal: Callable[[BaseException], None] = field(default=lambda error: os._exit(70))
    on_failpoint: Callable[[str], None] = lambda point: (
        None
    )  # told of each step: a test may end the process there
    on_commit: Callable[[Transaction, float], None] = lambda tx, seconds: None
    """Told of each batch that has become durable, and how long its transaction took."""
    on_restore: Callable[[int, float], None] = lambda state, seconds: None


class FaustApp:
    """`counts`: partitions per topic, as the broker says.  `instance` makes the membership static, so that a worker
    that is back within the session's time-out keeps its partitions and nobody waits.  `accepted`: see `restore`."""

    def __init__(
        self,
        processor: Processor,
        bootstrap: str,
        counts: dict[str, int],
        hooks: Hooks | None = None,
        *,
        limits: RuntimeLimits | None = None,
        instance: str | None = None,
        accepted: Collection[str] = (),
        auth: dict[str, Any] | None = None,
        **conf: Any,
    ) -> None:
        vendor_internals.check()
        self.processor, self.bootstrap, self.counts = processor, bootstrap, counts
        self.hooks, self.limits, self.auth = hooks or Hooks(), limits or RuntimeLimits(), auth or {}
        self.dlq_limit, self.accepted_losses = DlqLimit(self.limits.dlq_share), accepted
        self.runners: dict[int, Runner] = {}
        self.arrival_rate = ArrivalRate()
        self.generation: int | None = None
        self.live = self.opening = False
        self.rebalances = self.stale_serial = 0
        self.located_at, self.progress_at = float("-inf"), time.monotonic()
        self.channel: Any = None
        settings: dict[str, Any] = {
            "broker": f"{faust_transport.SCHEME}://{bootstrap}",
            "broker_credentials": faust_transport.credentials(self.auth),
            "web_enabled": False,
            "topic_disable_leader": True,
            "topic_allow_declare": False,
            "broker_session_timeout": self.limits.session_timeout,
            "broker_heartbeat_interval": self.limits.session_timeout / 5,
            "broker_rebalance_timeout": max(
                self.limits.session_timeout, (self.limits.call_timeout + 5) / 0.7
            ),
            "broker_request_timeout": 40,
            "broker_commit_interval": 1.0,
            "broker_max_poll_records": 4000,
            "stream_wait_empty": True,
            "stream_recovery_delay": 0.0,
            "TableManager": faust_transport.QuickTables,
            "consumer_auto_offset_reset": "earliest",
            "consumer_group_instance_id": instance,
            "table_standby_replicas": 1,  # with no Faust tables: its sticky co-partitioning assignor, and no standbys
            "worker_redirect_stdouts": False,
            **conf,
        }
        self.app = faust_transport.App(f"sayso.{processor.name}", **settings)
        self.app.faust_app = self
        topics = [topic.name for topic in processor.inputs]
        source = self.app.topic(
            *topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.on_rebalance_complete.connect(self._rebalanced, weak=False)
        self.app.on_before_shutdown.connect(self._shutdown, weak=False)
        self.app.agent(source, name=f"{processor.name}-room")(self._run)

    # --- what the consumer asks

    def has_capacity(self, place: Any) -> bool:
        runner = self.runners.get(place.partition)
        return runner is not None and runner.task.has_capacity(place.topic)

    def partitions_to_locate(self, places: set[Any]) -> set[Any]:
        """Consent topics of lanes that may not judge before they have been read up; now and then all, so that positions
        step over what holds no fact."""
        if time.monotonic() - self.located_at > LOCATE_EVERY:
            self.located_at = time.monotonic()
            return places
        return {
            p
            for p in places
            if p.partition in self.runners and p.topic in self.runners[p.partition].task.barrier
        }

    def positions(self) -> dict[Any, int]:
        return {
            TopicPartition(topic, partition): offset
            for partition, runner in self.runners.items()
            for topic, offset in runner.task.positions.items()
        }

    def owned_partitions(self) -> set[int]:
        first = self.processor.inputs[0].name
        return {place.partition for place in self.app.consumer.assignment() if place.topic == first}

    def fail_fast(self, error: BaseException) -> None:
        """The open transaction is aborted by our successor's fence, or by its time-out.  No abort, no second try."""
        print(
            f"sayso: the {self.processor.name} worker stops: {type(error).__name__}: {error}",
            file=sys.stderr,
            flush=True,
        )
        self.hooks.on_fatal(error)

    def record_progress(self, task: PartitionTask) -> None:
        """For lag tools: the group's offsets follow the lane's positions."""
        self.progress_at = time.monotonic()
        done = {
            TopicPartition(topic, task.partition): offset
            for topic, offset in task.positions.items()
        }
        self.app.consumer.progress.update(done)

    # --- the agent

    async def _run(self, stream: Any) -> None:
        self.channel = stream.channel
        async for fetch in stream:
            fetch.accepted.set()  # also when it is dropped: the fetch loop must go on
            if (
                not self.live
                or fetch.serial <= self.stale_serial
                or fetch.serial != self.app.consumer._thread.serial
            ):
                continue
            for place, records in fetch.records.items():
                if place.partition in self.runners:
                    self.runners[place.partition].feed(place.topic, records)
            for place, position in fetch.positions.items():
                if place.partition in self.runners:
                    self.runners[place.partition].note_position(place.topic, position)

    # --- ownership

    async def drain(self, limit: float) -> None:
        """Nothing begins any more; returns when nothing runs.  An opening under way gives up at its next step, so a
        member never fences a partition after it has answered a revocation."""
        self.live = False
        self.rebalances += 1
        self.stale_serial = (
            self.app.consumer._thread.serial
        )  # what was fetched before the seek to come is worthless
        end = time.monotonic() + limit
        for runner in self.runners.values():
            runner.drain()
        while self.opening or any(runner.is_busy for runner in self.runners.values()):
            if time.monotonic() > end:
                return self.fail_fast(
                    TimeoutError(
                        "a transaction or a call did not end before the rebalance deadline"
                    )
                )
            await asyncio.sleep(0.002)
        return None

    async def _rebalanced(self, app: Any, **kwargs: Any) -> None:
        """Awaited by Faust before it seeks and resumes."""
        turn, self.opening = self.rebalances, True
        try:
            self._assert_promises()
            await self._take_over(turn)
        except Exception as error:  # noqa: BLE001 - a half-opened lane must not live on
            self.fail_fast(error)
        finally:
            self.opening = False

    async def _take_over(self, turn: int) -> None:
        generation, want = self.app.consumer_generation_id, self.owned_partitions()
        # A generation missed: somebody else may have owned it.  Without this check we would be fenced and exit at the
        # next commit, which is safe; restoring is kinder.
        kept = (
            want & set(self.runners)
            if self.generation is not None and generation == self.generation + 1
            else set()
        )
        await asyncio.gather(*[self.runners.pop(gone).close() for gone in set(self.runners) - kept])
        self.generation = generation
        fresh = [self._runner(partition) for partition in sorted(want - kept)]
        if turn == self.rebalances:
            await asyncio.gather(*[runner.writer.fence() for runner in fresh])
            self.hooks.on_failpoint("after-fence")
            began = time.monotonic()
            tasks = [runner.task for runner in fresh]
            await restore(
                self.bootstrap, tasks, lambda: self._wanted(turn), self.accepted_losses, **self.auth
            )
            self.hooks.on_restore(
                sum(runner.task.entry_count for runner in fresh), time.monotonic() - began
            )
        if turn != self.rebalances:  # the next rebalance is already here
            await asyncio.gather(*[runner.close() for runner in fresh])
            return
        self.runners.update({runner.task.partition: runner for runner in fresh})
        self.live, self.progress_at = True, time.monotonic()
        for runner in self.runners.values():
            runner.resume()
        self.hooks.on_ready(sorted(want))

    def _wanted(self, turn: int) -> bool:
        """A long restore is no standstill."""
        self.progress_at = time.monotonic()
        return turn == self.rebalances

    def _runner(self, partition: int) -> Runner:
        task = PartitionTask(self.processor, partition, self.counts, limit=self.limits.batch_limit)
        writer = TransactionalWriter(
            self.bootstrap,
            f"{self.app.conf.id}-{partition}",
            transaction_timeout=self.limits.transaction_timeout,
            commit_timeout=self.limits.transaction_timeout * 0.8,
            **self.auth,
        )
        return Runner(self, task, writer)

    def _assert_promises(self) -> None:
        consumer = self.app.consumer._thread._consumer
        if consumer._fetcher._isolation_level != 1:
            raise RuntimeError("the consumer does not read committed")
        if not hasattr(consumer._fetcher, "_default_reset_strategy"):
            raise RuntimeError("what happens when a log has lost records cannot be set")
        if not vendor_internals.has_strict_end_txn():
            raise RuntimeError("the strict EndTxn is not in place")
        want = self.owned_partitions()
        for topic in self.processor.inputs:
            if {
                place.partition
                for place in self.app.consumer.assignment()
                if place.topic == topic.name
            } != want:
                raise RuntimeError(
                    f"{topic.name} is not assigned together with {self.processor.inputs[0].name}"
                )

    async def _shutdown(self, app: Any, **kwargs: Any) -> None:
        with contextlib.suppress(Exception):
            await self.drain(self.limits.call_timeout + 5)
        await asyncio.gather(*[runner.close() for runner in self.runners.values()])
        self.runners.clear()
