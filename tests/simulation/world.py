"""All rooms in one process, without Kafka, under a clock that jumps: the same lanes, crashed at
every step.

A partition's batch may crash before its commit (nothing of it exists), after its commit and before
its effects (the calls are never made), or after a call and before its answer is written (the
provider has it and nobody knows).

Or the commit gets no answer (`lost`): it may be durable or not, and the partition is opened again in
its process.  Results of calls are not lost then, and calls that have not begun do not begin."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from schemas.base import Message
from schemas.topics import Topic
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.partition.queues import PriorityBuffer
from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult, Transaction
from streams.processing import CancelCall, Settings
from streams.processor import Processor
from tests.simulation.log import Log

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

SLOW = timedelta(milliseconds=60)

Call = Callable[[SendCall, datetime], SendResult]
List = Callable[[Lookup, datetime], LookupResult]
"""The provider."""
Committed = Callable[[PartitionTask, Transaction, datetime], None]
"""Told of each transaction that has become durable."""


def no_list(look: Lookup, now: datetime) -> LookupResult:
    return LookupResult(
        tenant=look.tenant,
        message_id=look.message_id,
        attempt=look.attempt,
        sender=look.sender,
        round=look.round,
    )


def _not_begun(call: SendCall | Lookup, now: datetime) -> SendResult | LookupResult:
    """Under a lease that is over."""
    return no_list(call, now) if isinstance(call, Lookup) else SendResult.of(call, Result.UNSENT)


class Turn(NamedTuple):
    """A call that waits for its turn at the sender."""

    at: datetime
    task: PartitionTask
    entity_key: str
    post: SendCall | Lookup


class Opening(NamedTuple):
    """A partition's new owner, and what lay on its topics then: how many records on each."""

    processor: str
    partition: int
    at: datetime
    ends: dict[str, int]


@dataclass
class World:
    """`crash` is the chance of one at each place where one may happen."""

    seed: int
    processors: list[Processor]
    settings: Settings
    call: Call
    look: List = no_list
    partitions: int = 2
    crash: float = 0.0
    slow: float = 0.0
    """The chance that a fetch takes its time."""
    lost: float = 0.0
    """The chance that a commit gets no answer."""
    now: datetime = START
    committed: Committed = lambda task, tx, now: None
    rng: random.Random = field(init=False)
    log: Log = field(init=False)
    tasks: dict[tuple[str, int], PartitionTask] = field(default_factory=dict)
    crashes: Counter[str] = field(default_factory=Counter)
    posts: list[tuple[SendCall, datetime]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    slow_until: dict[tuple[str, int], datetime] = field(default_factory=dict)
    later: list[tuple[datetime, Topic[Any], Message]] = field(default_factory=list)
    doings: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng, self.log = random.Random(self.seed), Log(self.partitions)
        for processor in self.processors:
            for partition in range(self.partitions):
                self.open(processor, partition)

    def publish(self, topic: Topic[Any], message: Message) -> None:
        self.log.publish(topic, message, self.ms)

    def publish_at(self, at: datetime, topic: Topic[Any], message: Message) -> None:
        """From the world outside, when its time has come: a person's answer, a carrier's
        receipt."""
        self.later.append((at, topic, message))

    def do_at(self, at: datetime, action: Callable[[], None]) -> None:
        """While the tasks are busy, if they are."""
        self.doings.append((at, action))

    @property
    def ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    # --- one owner after another

    def open(self, processor: Processor, partition: int) -> None:
        counts: dict[str, int] = dict.fromkeys(self._topics(), self.partitions)
        task = PartitionTask(processor, partition, counts, limit=self.rng.choice([1, 3, 50]))
        task.priority_buffer = PriorityBuffer(2000)  # batches are small, and buffers as ever
        entries = self.log.entries[processor.state_topic.name, partition]
        task.restore([(entry.key or b"", entry.value) for entry in entries])
        ends = {
            topic.name: len(self.log.entries[topic.name, partition]) for topic in processor.inputs
        }
        task.set_barrier({topic: end for topic, end in ends.items() if end})
        self.tasks[processor.name, partition] = task
        self.openings.append(Opening(processor.name, partition, self.now, ends))

    def _topics(self) -> set[str]:
        from schemas.topics import EVERY_TOPIC

        return {topic.name for topic in EVERY_TOPIC}

    def crashed(self, task: PartitionTask, where: str) -> bool:
        if self.rng.random() >= self.crash:
            return False
        self.crashes[f"{task.processor.name}: {where}"] += 1
        self.open(task.processor, task.partition)
        return True

    def close(self, name: str) -> None:
        """The workers of this processor are gone, until it is opened again."""
        for key in [key for key in self.tasks if key[0] == name]:
            del self.tasks[key]

    # --- moving

    def feed(self, task: PartitionTask) -> None:
        """Some of what is there, of some topics: whatever order the network brings, and at times
        nothing for a while."""
        if self._is_slow(task):
            return
        for topic in self.rng.sample(task.processor.inputs, len(task.processor.inputs)):
            log = self.log.entries[topic.name, task.partition]
            at = task.expected.get(topic.name, 0)
            take = self.rng.choice([0, 1, 5, 1000])
            fresh = log[at : at + take]
            if fresh:
                task.feed(topic.name, list(fresh))
            task.note_position(topic.name, at + len(fresh))

    def _is_slow(self, task: PartitionTask) -> bool:
        key = task.processor.name, task.partition
        if key not in self.slow_until and self.rng.random() < self.slow:
            self.slow_until[key] = self.now + SLOW
        if self.slow_until.get(key, self.now) <= self.now:
            self.slow_until.pop(key, None)
        return key in self.slow_until

    def turn(self, task: PartitionTask) -> None:
        self.feed(task)
        task.follow_settings(self.settings)
        if task.idle_until() > self.now.timestamp():
            return
        self.tell_ends(task)
        results = list(task.call_results)
        tx = task.begin(self.now)
        while task.evaluate(tx, self.settings, limit=3):
            if self.crashed(task, "inside a batch"):
                return
        if self.crashed(task, "before the commit"):
            return
        if self.lost and self.rng.random() < self.lost:
            self._reopen(task, tx, results)
            return
        if not tx.is_empty:
            self._commit(task, tx)
        if self.crashed(task, "after the commit, before the call"):
            return
        self._effects(task, tx)

    def _reopen(self, task: PartitionTask, tx: Transaction, results: list[CallResult]) -> None:
        is_durable = self.rng.random() < 0.5
        if is_durable and not tx.is_empty:
            self._commit(task, tx)
        self.crashes[f"{task.processor.name}: no answer, durable: {is_durable}"] += 1
        results += task.call_results
        waived = [turn for turn in self.turns if turn.task is task]
        self.turns = [turn for turn in self.turns if turn.task is not task]
        calls = [(turn.entity_key, turn.post) for turn in waived] + tx.calls
        self.open(task.processor, task.partition)
        self.tasks[task.processor.name, task.partition].call_results.extend(
            [
                *results,
                *[
                    CallResult(entity_key, _not_begun(call, self.now))
                    for entity_key, call in calls
                    if not isinstance(call, CancelCall)
                ],
            ]
        )

    def tell_ends(self, task: PartitionTask) -> None:
        if task.ends_check.must_ask(task.timers.next(), self.now.timestamp()):
            ends = {
                topic: len(self.log.entries[topic, task.partition]) for topic in task.checked_topics
            }
            task.ends_check.note(ends, self.now.timestamp())

    def _commit(self, task: PartitionTask, tx: Transaction) -> None:
        allowed = {topic.name for topic in task.processor.outputs}
        for send in tx.outgoing_records:
            assert send.topic in allowed, (
                f"{task.processor.name} does not declare that it publishes to {send.topic}"
            )
            self.log.append(send.topic, send.partition, self.ms, send.key, send.value, send.headers)
        state_topic, ms = task.processor.state_topic.name, self.ms
        for key, value in task.build_changelog(tx):
            self.log.append(state_topic, task.partition, ms, key, value)
        task.mark_committed(tx)
        self.committed(task, tx, self.now)

    def _effects(self, task: PartitionTask, tx: Transaction) -> None:
        """A call waits for its turn at the sender; one that is withdrawn by then never begins."""
        for entity_key, effect in tx.calls:
            if isinstance(effect, CancelCall):
                self._take_back(effect)
            else:
                at = self.now + timedelta(seconds=self.rng.choice([0, 0, 0.05, 0.2]))
                self.turns.append(Turn(at, task, entity_key, effect))

    def _take_back(self, withdraw: CancelCall) -> None:
        for turn in [turn for turn in self.turns if turn.post.identity == withdraw.identity]:
            self.turns.remove(turn)
            assert isinstance(turn.post, SendCall)
            answer = SendResult.of(turn.post, Result.UNSENT)
            turn.task.call_results.append(CallResult(turn.entity_key, answer))

    def _calls(self) -> None:
        """Those whose turn has come; a crash takes those that wait with it."""
        due = [turn for turn in self.turns if turn.at <= self.now]
        self.turns = [turn for turn in self.turns if turn.at > self.now]
        for turn in due:
            task = turn.task
            if self.tasks.get((task.processor.name, task.partition)) is not task:
                continue
            answer = self._call(turn.post)
            if not self.crashed(task, "after the call, before its answer"):
                task.call_results.append(CallResult(turn.entity_key, answer))

    def _call(self, effect: SendCall | Lookup) -> SendResult | LookupResult:
        if isinstance(effect, Lookup):
            return self.look(effect, self.now)
        self.posts.append((effect, self.now))
        return self.call(effect, self.now)

    def settle(self, until: timedelta = timedelta(days=5), turns: int = 20_000) -> None:
        """Run everybody in random order; when nobody has anything to do, let time pass to the
        next thing due.

        Stops when nothing is due before `until` from now."""
        end = self.now + until
        for _ in range(turns):
            self._calls()
            busy = self._find_busy()
            if busy is not None:
                self.turn(busy)
                self.now += timedelta(milliseconds=self.rng.choice([0, 1, 20]))
                self._deliver()
                continue
            upcoming = [at for at, *_ in (*self.later, *self.doings)]
            upcoming += [turn.at for turn in self.turns]
            upcoming += [
                datetime.fromtimestamp(at, UTC) for at in self._wakes() if at != float("inf")
            ]
            if not upcoming or min(upcoming) > end:
                return
            self.now = max(self.now, min(upcoming)) + timedelta(milliseconds=1)
            self._deliver()
        raise AssertionError("the world did not settle: something wakes for ever")

    def _find_busy(self) -> PartitionTask | None:
        """Any that has something to do."""
        tasks = [*self.tasks.values()]
        first = self.rng.randrange(len(tasks) or 1)
        for task in (*tasks[first:], *tasks[:first]):
            if self._has_work(task):
                return task
        return None

    def _deliver(self) -> None:
        due = [one for one in self.later if one[0] <= self.now]
        if due:
            self.later = [one for one in self.later if one[0] > self.now]
        for _, topic, message in due:
            self.publish(topic, message)
        now = [one for one in self.doings if one[0] <= self.now]
        if now:
            self.doings = [one for one in self.doings if one[0] > self.now]
        for _, action in now:
            action()

    def _wakes(self) -> list[float]:
        return [task.timers.next() for task in self.tasks.values()]

    def _has_work(self, task: PartitionTask) -> bool:
        task.follow_settings(self.settings)
        is_awake = bool(task.barrier) or task.idle_until() <= self.now.timestamp()
        return is_awake or self._is_behind(task)

    def _is_behind(self, task: PartitionTask) -> bool:
        entries, expected = self.log.entries, task.expected
        for topic in task.processor.inputs:  # no generator: it is asked a million times
            name = topic.name
            if len(entries[name, task.partition]) > expected.get(name, 0):
                return True
        return False
