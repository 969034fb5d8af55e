"""One processor in one process: a Faust app whose one agent feeds the tasks of the partitions that
it owns.

Theory of operation

Faust does membership, assignment, the consumer's thread and the agent.  State, transactions,
positions and calls are ours, for Faust's own ways lose or repeat records; each module of this
package says which one it replaces, and docs/decisions/0005-keep-faust.md says why Faust stays.

A rebalance goes like this.  `drain`: nothing new begins, running transactions and calls end, our
offsets are committed. `_take_over`: for each partition that is new to us, first its writer fences
every earlier owner at the broker, then its state is restored.  In that order nothing of an earlier
owner can be committed after we have read.  Then Faust seeks the consumer to our positions and
resumes it, and each runner resumes.  Whatever fails on the way ends the process (`fail_fast`): a
half-opened partition must not live on, and the next owner's fence aborts what we left open.  One
partition alone is opened again where a transaction's outcome is unknown (`reopening`).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from schemas.visible_text import VISIBLE
from streams.partition.task import PartitionTask
from streams.processor import Processor
from streams.runtime import faust_transport, strict_transactions, vendor_internals
from streams.runtime.last_words import explain
from streams.runtime.reopening import Reopener
from streams.runtime.restore import restore
from streams.runtime.runner import Hooks, Runner
from streams.runtime.strict_transactions import NoAnswer
from streams.runtime.timing import ArrivalRate, RuntimeLimits
from streams.runtime.transactional_writer import TransactionalWriter

_ADVERT: Final = re.compile(r"For further information visit \S+")
"""Of pydantic: a supervisor shows the last line of a log, and that was all that it said."""
FEED_TURNS = 20
"""Turns of the event loop in which a fetch that is on its way to us arrives."""
LOCATE_EVERY = 60.0
"""Seconds between two checks of where the consumer stands in topics that bring no records."""


class FaustApp:
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
        """`counts`: partitions per topic, as the broker says.  `instance` makes the membership
        static: a worker that is back within the session's time-out keeps its partitions, and nobody
        waits.  `accepted`: see `restore`."""
        vendor_internals.check()
        self.processor = processor
        self.bootstrap = bootstrap
        self.counts = counts
        self.hooks = hooks or Hooks()
        self.limits = limits or RuntimeLimits()
        self.auth = auth or {}
        self.accepted_losses = accepted
        self.arrival_rate = ArrivalRate()
        self.runners: dict[int, Runner] = {}
        """By partition."""
        self.generation: int | None = None
        """The consumer group's generation that we have opened our partitions for."""
        self.live = False
        """Between a take-over and the next drain: batches may begin."""
        self.opening = False
        self.reopener = Reopener(self)
        self.rebalances = 0
        """Counts drains: a take-over that sees it change gives up."""
        self.stale_serial = 0
        """Fetches up to this seek are worthless."""
        self.fed_count = 0
        """Fetches with records that were fed to tasks, or dropped."""
        self.located_at = float("-inf")
        self.progress_at = time.monotonic()
        """When something last moved, for the watchdog."""
        self.channel: Any = None
        settings = _build_faust_settings(self.limits) | {
            "broker": f"{faust_transport.SCHEME}://{bootstrap}",
            "broker_credentials": faust_transport.credentials(self.auth),
            "consumer_group_instance_id": instance,
        }
        self.app = faust_transport.App(f"sayso.{processor.name}", **(settings | conf))
        self.app.faust_app = self
        topics = [topic.name for topic in processor.inputs]
        source = self.app.topic(
            *topics, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.on_rebalance_complete.connect(self._on_rebalance, weak=False)
        self.app.on_before_shutdown.connect(self._on_shutdown, weak=False)
        self.app.agent(source, name=f"{processor.name}-room")(self._run)

    # --- what the consumer asks

    def has_capacity(self, partition: Any) -> bool:
        runner = self.runners.get(partition.partition)
        return runner is not None and runner.task.has_capacity(partition.topic)

    def stands_still(self, partition: Any) -> bool:
        runner = self.runners.get(partition.partition)
        return runner is not None and runner.task.stands_still(partition.topic)

    def partitions_to_locate(self, partitions: set[Any]) -> set[Any]:
        """The topic partitions whose consumer position a fetch is to report: those behind which
        something waits; once a minute all, so that positions move past offsets that hold no
        record."""
        if time.monotonic() - self.located_at > LOCATE_EVERY:
            self.located_at = time.monotonic()
            return partitions
        return {
            one
            for one in partitions
            if one.partition in self.runners
            and one.topic in self.runners[one.partition].task.awaited
        }

    async def read_ends(self, topics: list[str], partition: int) -> Mapping[str, int] | None:
        """The ends of these topics now, uncommitted records included; None without an answer.

        The consumer may have reached them already, behind a transaction's marker.  So its positions
        come with the answer, and no timer waits for the next fetch to report them."""
        thread = self.thread
        found = await thread.read_ends([TopicPartition(topic, partition) for topic in topics])
        if found is None:
            return None
        for _ in range(FEED_TURNS):
            if self.fed_count >= found.count:
                break
            await asyncio.sleep(0)
        is_fed = self.fed_count >= found.count
        is_current = self.live and self.stale_serial < found.serial == thread.serial
        if is_fed and is_current and partition in self.runners:
            for one, position in found.positions.items():
                self.runners[partition].note_position(one.topic, position)
        return {one.topic: end for one, end in found.ends.items()}

    def positions(self) -> dict[Any, int]:
        return {
            TopicPartition(topic, partition): offset
            for partition, runner in self.runners.items()
            for topic, offset in runner.task.positions.items()
        }

    @property
    def thread(self) -> Any:
        """The consumer's."""
        return self.app.consumer._thread

    @property
    def owned_partitions(self) -> set[int]:
        return self._assigned_of(self.processor.inputs[0].name)

    def _assigned_of(self, topic: str) -> set[int]:
        return {one.partition for one in self.app.consumer.assignment() if one.topic == topic}

    def fail_fast(self, error: BaseException) -> None:
        """End the process.  We neither abort the open transaction nor try again: our successor's
        fence aborts it, or its own time-out."""
        why = " ".join(_ADVERT.sub("", explain(error)).split())
        print(
            f"sayso: the {self.processor.name} worker stops: {why}".translate(VISIBLE),
            file=sys.stderr,
            flush=True,
        )
        self.hooks.on_fatal(error)

    def record_progress(self, task: PartitionTask) -> None:
        """For monitoring: the group's offsets follow the task's positions."""
        self.progress_at = time.monotonic()
        positions = {
            TopicPartition(topic, task.partition): offset
            for topic, offset in task.positions.items()
        }
        self.app.consumer.progress.update(positions)

    # --- the agent

    async def _run(self, stream: Any) -> None:
        self.channel = stream.channel
        async for fetch in stream:
            fetch.accepted.set()  # also when it is dropped: the fetch loop must go on
            self.fed_count = fetch.count
            if (
                not self.live
                or fetch.serial <= self.stale_serial
                or fetch.serial != self.thread.serial
            ):
                continue
            for one, records in fetch.records.items():
                if one.partition in self.runners:
                    self.runners[one.partition].feed(one.topic, records)
            for one, position in fetch.positions.items():
                if one.partition in self.runners:
                    self.runners[one.partition].note_position(one.topic, position)

    # --- ownership

    async def drain(self, limit: float) -> None:
        """Begin nothing any more; return when nothing runs.

        A take-over under way gives up at its next step, so a member never fences a partition after
        it has answered a revocation."""
        self.live = False
        self.rebalances += 1
        # What was fetched before the seek to come is worthless.
        self.stale_serial = self.thread.serial
        end = time.monotonic() + limit
        for runner in self.runners.values():
            runner.drain()
        while (is_opening := bool(self.opening or self.reopener.under_way)) or any(
            runner.is_busy for runner in self.runners.values()
        ):
            if time.monotonic() > end:
                busy = sorted(n for n, runner in self.runners.items() if runner.is_busy)
                what = (
                    "partitions were still being opened"
                    if is_opening
                    else f"a transaction or a call of partitions {busy} did not end"
                )
                return self.fail_fast(
                    TimeoutError(f"{what} when a rebalance had waited for {limit:.0f} s")
                )
            await asyncio.sleep(0.002)
        return None

    async def _on_rebalance(self, app: Any, **kwargs: Any) -> None:
        """Awaited by Faust before it seeks and resumes."""
        turn = self.rebalances
        self.opening = True
        try:
            self._assert_promises()
            await self._take_over(turn)
        except Exception as error:  # noqa: BLE001 - a half-opened partition must not live on
            self.fail_fast(error)
        finally:
            self.opening = False

    async def _take_over(self, turn: int) -> None:
        generation = self.app.consumer_generation_id
        want = self.owned_partitions
        # If we missed a generation, somebody else may have owned our partitions.  Without a check
        # we would be fenced and exit at the next commit, which is safe; restoring is kinder.
        kept = (
            want & set(self.runners)
            if self.generation is not None and generation == self.generation + 1
            else set()
        )
        await asyncio.gather(*[self.runners.pop(gone).close() for gone in set(self.runners) - kept])
        self.generation = generation
        fresh = [self.build_runner(partition) for partition in sorted(want - kept)]
        if turn == self.rebalances:
            await self.open(fresh, lambda: self._is_wanted(turn))
        if turn != self.rebalances:  # the next rebalance is already here
            await asyncio.gather(*[runner.close() for runner in fresh])
            return
        self.runners.update({runner.task.partition: runner for runner in fresh})
        self.live = True
        self.progress_at = time.monotonic()
        for runner in self.runners.values():
            runner.resume()
        self.hooks.on_ready(sorted(want))

    async def open(self, fresh: Collection[Runner], is_wanted: Callable[[], bool]) -> None:
        """First every earlier owner is fenced, then state is restored."""
        await asyncio.gather(*[runner.writer.fence() for runner in fresh])
        self.hooks.on_failpoint("after-fence", ())
        began = time.monotonic()
        tasks = [runner.task for runner in fresh]
        await restore(self.bootstrap, tasks, is_wanted, self.accepted_losses, **self.auth)
        self.hooks.on_restore(sum(task.entry_count for task in tasks), time.monotonic() - began)

    def reopen(self, runner: Runner, error: NoAnswer) -> None:
        self.reopener.reopen(runner, error)

    def _is_wanted(self, turn: int) -> bool:
        """Whether this take-over still counts.  To the watchdog a long restore is progress."""
        self.progress_at = time.monotonic()
        return turn == self.rebalances

    def build_runner(self, partition: int) -> Runner:
        task = PartitionTask(
            self.processor,
            partition,
            self.counts,
            limit=self.limits.batch_limit,
            dlq_share=self.limits.dlq_share,
            accepted_standstills=self.limits.accepted_standstills,
        )
        writer = TransactionalWriter(
            self.bootstrap,
            f"{self.app.conf.id}-{partition}",
            transaction_timeout=self.limits.transaction_timeout,
            commit_timeout=self.limits.commit_timeout,
            request_timeout=self.limits.request_timeout,
            fence_timeout=self.limits.fence_timeout,
            **self.auth,
        )
        return Runner(self, task, writer)

    def _assert_promises(self) -> None:
        consumer = self.thread._consumer
        if consumer._fetcher._isolation_level != 1:
            raise RuntimeError("the consumer does not read committed")
        if not hasattr(consumer._fetcher, "_default_reset_strategy"):
            raise RuntimeError("what happens when a log has lost records cannot be set")
        if not strict_transactions.is_installed():
            raise RuntimeError("the strict transactional requests are not in place")
        want = self.owned_partitions
        for topic in self.processor.inputs:
            if self._assigned_of(topic.name) != want:
                raise RuntimeError(
                    f"{topic.name} is not assigned together with {self.processor.inputs[0].name}"
                )

    async def _on_shutdown(self, app: Any, **kwargs: Any) -> None:
        with contextlib.suppress(Exception):
            await self.drain(self.limits.call_timeout + 5)
        await asyncio.gather(*[runner.close() for runner in self.runners.values()])
        self.runners.clear()


def _build_faust_settings(limits: RuntimeLimits) -> dict[str, Any]:
    return {
        "web_enabled": False,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "broker_session_timeout": limits.session_timeout,
        "broker_heartbeat_interval": limits.session_timeout / 5,
        "broker_rebalance_timeout": max(limits.session_timeout, (limits.call_timeout + 5) / 0.7),
        "broker_request_timeout": 40,
        "broker_commit_interval": 1.0,
        "broker_max_poll_records": 4000,
        "stream_wait_empty": True,
        "stream_recovery_delay": 0.0,
        "TableManager": faust_transport.QuickTables,
        "consumer_auto_offset_reset": "earliest",
        # No Faust tables: this selects its sticky assignor, which keeps topics together.
        "table_standby_replicas": 1,
        "worker_redirect_stdouts": False,
    }
