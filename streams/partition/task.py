"""One owned partition number of a room, without Kafka: buffers in, transactions out.

Stands in for Faust's Event, FutureMessage and table machinery (300-800 us an event, acknowledged even if lost).  A lane
is pure of I/O, so that the simulation runs the very same code under a virtual clock.  The order in which facts are
taken is the product's first promise: answers of calls under way, then consent and controls, then, once those have been
read to the ends seen at assignment, wakes, then everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from streams.packing import unpack
from streams.partition import changelog
from streams.partition.buffer import Buffer
from streams.partition.decoding import Record
from streams.partition.evaluator import Evaluator
from streams.partition.packer import Packer
from streams.partition.reevaluator import Reevaluator
from streams.partition.transaction import CallResult, Transaction
from streams.processing import Settings, StateStore
from streams.processor import Processor

MAX_FIRED = 2000


class PartitionTask:
    """`counts` tells each topic's number of partitions; `limit` how many facts a transaction may judge."""

    def __init__(
        self, processor: Processor, partition: int, counts: Mapping[str, int], *, limit: int = 2000
    ) -> None:
        self.processor, self.partition, self.counts, self.limit = (
            processor,
            partition,
            counts,
            limit,
        )
        self.priority_topics = {topic.name for topic in processor.priority_topics}
        self._evaluator = Evaluator(processor, partition, counts)
        self.topics, self.stores, self.timers = (
            self._evaluator.topics,
            self._evaluator.stores,
            self._evaluator.timers,
        )
        self.reevaluator = Reevaluator(processor.waiting_prefix)
        self._packer = Packer() if processor.compresses_idle_state else None
        self.positions: dict[str, int] = {}
        self.expected: dict[str, int] = {}
        self.priority_buffer, self.buffer = Buffer(limit), Buffer(limit)
        self.call_results: deque[CallResult] = deque()
        self.acquired_keys: deque[str] = deque()
        self.barrier: dict[str, int] = {}
        self.consumer_positions: dict[str, int] = {}
        self.serial = 0
        self._partitions = counts.get(processor.inputs[0].name)

    @property
    def entry_count(self) -> int:
        return self._evaluator.entry_count

    def restore(self, items: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Changelog records, oldest first; the last one of a key holds.  Raises changelog.Damaged."""
        snapshot, timers = changelog.collapse(items), dict[bytes, int]()
        if snapshot.partitions not in (None, self._partitions):
            written = (
                f"written over {snapshot.partitions} partitions; now there are {self._partitions}"
            )
            raise changelog.Repartitioned(
                f"{written}: their keys' rows would be in other lanes (a migration: see "
                "docs/operations/repartitioning.md)"
            )
        for key, value in snapshot.entries.items():
            timer, body = changelog.unpack(value)
            entity_key, name = changelog.split(key)
            state = self.stores.get(entity_key) or self.stores.setdefault(
                entity_key, StateStore(entity_key)
            )
            state.raw[name] = body
            if timer:
                timers[key] = timer
        self.timers.restore(timers)
        self._evaluator.entry_count, self.serial = len(snapshot.entries), snapshot.serial
        self.reevaluator.settled = snapshot.settings
        self.positions = {
            topic: at for topic, at in snapshot.positions.items() if topic in self.topics
        }
        if self.processor.reports_acquired:
            self.acquired_keys.extend(self.stores)
        if self._packer is not None:
            self._packer.restore(self.stores.values())
        self.rewind()

    def rewind(self) -> None:
        """Forget what is buffered: the consumer will be sought back to `positions`."""
        self.priority_buffer.clear()
        self.buffer.clear()
        self.consumer_positions.clear()
        self.expected = dict(self.positions)

    def set_barrier(self, ends: Mapping[str, int]) -> None:
        """Judge nothing but `first` topics until each of them has been read to this offset."""
        self.barrier = {topic: end for topic, end in ends.items() if topic in self.priority_topics}

    def note_position(self, topic: str, position: int) -> None:
        """The consumer stands at `position`, whatever records there were (markers and compaction leave gaps)."""
        if position >= self.barrier.get(topic, position + 1):
            del self.barrier[topic]
        if position > self.positions.get(topic, 0):
            self.consumer_positions[topic] = position

    def skip_to(self, topic: str, at: int) -> None:
        """What was to be read next is gone, and somebody has said that it goes on here; noted with the next batch."""
        self.positions[topic] = self.expected[topic] = self.consumer_positions[topic] = at

    def feed(self, topic: str, records: list[Record]) -> None:
        """Offsets already taken are dropped; a gap is normal, for transactions' markers take offsets too."""
        expected = self.expected.get(topic, -1)
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if records:
            (self.priority_buffer if topic in self.priority_topics else self.buffer).extend(records)
            self.expected[topic] = records[-1].offset + 1

    def follow_settings(self, settings: Settings) -> None:
        """What waits is judged again where these are others than before; see `anew`."""
        self.reevaluator.follow_settings(settings, self.stores)

    def has_capacity(self, topic: str) -> bool:
        """Bounded buffers, apart, so that a backlog of requests never keeps a STOP out."""
        return (self.priority_buffer if topic in self.priority_topics else self.buffer).has_capacity

    @property
    def pending(self) -> int:
        """Facts and answers that may be judged now."""
        return (
            len(self.call_results)
            + len(self.priority_buffer)
            + (0 if self.barrier else len(self.buffer))
        )

    @property
    def has_stop(self) -> bool:
        """Whether one may be among the `first` facts here: it waits for nothing."""
        return (
            bool(self.priority_buffer) and self.processor.batching.stop_topics == "priority_topics"
        )

    @property
    def has_urgent(self) -> bool:
        """Whether a STOP may be here."""
        return self.has_stop or (
            bool(self.buffer)
            and self.processor.batching.stop_topics == "topics"
            and not self.barrier
        )

    def idle_until(self) -> float:
        """Seconds since 1970 of the next thing to do without being fed; 0.0 for now, infinity for never."""
        if (
            self.call_results
            or self.priority_buffer
            or (not self.barrier and self._has_regular_work())
        ):
            return 0.0
        return float("inf") if self.barrier else self.timers.next()

    def _has_regular_work(self) -> bool:
        return bool(
            self.buffer
            or self.acquired_keys
            or self.consumer_positions
            or self.reevaluator.is_walking
        )

    # --- what goes out

    def begin(self, now: datetime) -> Transaction:
        """Take a batch out of the buffers, in the order of the promise.  One that has `first` facts has nothing behind
        them: a STOP is durable soon, and not only when 400 requests have been judged with it."""
        work: deque[Any] = deque(self.call_results)
        chains = bool(work)
        self.call_results.clear()
        if self._packer is not None:
            self._packer.compress_some(now)
        if self.priority_buffer:
            self.priority_buffer.move_to(work, self.limit - len(work))
        elif not self.barrier:
            work.extend(self.acquired_keys)
            self.acquired_keys.clear()
            work.extend(self.reevaluator.take())
            work.extend(self.timers.pop_due(now, MAX_FIRED))
            self.buffer.move_to(work, self.limit - len(work))
        tx = Transaction(now, self.serial + 1, work, dict(self.positions), fires_due_timers=chains)
        if self.consumer_positions and not (
            self.barrier or self.priority_buffer or self.buffer
        ):  # all that came before is in this batch
            tx.consumer_positions, self.consumer_positions = self.consumer_positions, {}
        return tx

    def final_batch(self, now: datetime) -> Transaction:
        """The partition is being given up: only what came of calls already made is still written."""
        work: deque[Any] = deque(self.call_results)
        self.call_results.clear()
        return Transaction(now, self.serial + 1, work, dict(self.positions))

    def evaluate(self, tx: Transaction, settings: Settings, most: int = 20) -> bool:
        """Judge some of it; True while there is more, so that the caller can let the network breathe in between."""
        work = tx.work
        self._evaluator.evaluate(tx, min(most, len(work)), settings)
        if not work and tx.due_timers:
            self._fire_due_timers(tx)
        if not work and tx.unfinished:
            work.extend(tx.unfinished.values())
            tx.unfinished.clear()
        for topic, at in tx.consumer_positions.items() if not work else ():
            tx.positions[topic] = max(at, tx.positions.get(topic, 0))
        return bool(work)

    def _fire_due_timers(self, tx: Transaction) -> None:
        """Answers make room for calls: those need no transaction of their own, unless a STOP has come meanwhile."""
        due, tx.due_timers, tx.fires_due_timers = tx.due_timers, [], False
        if not (self.priority_buffer or self.barrier):
            tx.work.extend(key for key in due if self.timers.claim(key))

    def cut_short(self, tx: Transaction) -> bool:
        """Where a STOP has come meanwhile, judge no more of what comes after it, if only that is left: it has its turn
        then.  Whether something was put back."""
        left = tx.work
        if (
            not self.has_stop
            or not left
            or not self._evaluator.is_record(left[0])
            or left[0].topic in self.priority_topics
        ):
            return False
        self.buffer.put_back(list(left))
        left.clear()
        self.consumer_positions, tx.consumer_positions = (
            {**tx.consumer_positions, **self.consumer_positions},
            {},
        )
        return True

    def build_changelog(self, tx: Transaction) -> list[tuple[bytes, bytes | None]]:
        """The rows this transaction leaves, and the positions with them."""
        out: list[tuple[bytes, bytes | None]] = []
        for (entity_key, name), state in tx.dirty.items():
            key, body = changelog.join(entity_key, name), state.raw.get(name)
            if body is not None:
                if isinstance(body, bytes):
                    body = unpack(body)
                else:
                    body = state.raw[name] = changelog.body(body)
                    if self._packer is not None:
                        self._packer.note(tx.now, state, name, body)
                body = changelog.pack(self.timers.at(key), body)
            out.append((key, body))
        noted = changelog.positions(
            tx.positions, self.entry_count, tx.serial, self._partitions, self.reevaluator.settled
        )
        out.append((changelog.POSITIONS, noted))
        return out

    def mark_committed(self, tx: Transaction) -> None:
        self.positions, self.serial = tx.positions, tx.serial
