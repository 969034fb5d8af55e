"""One partition of a processor, without Kafka: records go in, transactions come out.

Theory of operation

*Order.*  A batch takes, in this order: results of calls that ended; records of priority topics
(consent and controls); newly acquired entity keys, entries to evaluate again after a change of
settings, and due timers; records of all other topics.  A batch with priority records ends with
them: a STOP is durable soon, and not only after four hundred requests have been evaluated in the
same transaction.

*Barrier.*  At assignment the runtime notes the ends of the priority topics (`set_barrier`).  Until
they are read to there, not even a timer fires: a STOP that was on Kafka before us comes first.
What lay on them is then taken in the order in which it came (a buffer at a time): a yes lets no
text go that was taken back before it.  Where a processor `catches_up`, timers wait for all topics.

*Ends.*  Later too, a STOP may have reached Kafka and not us when a held text's time comes.  Where a
processor `checks_ends`, timers wait for it (see `EndsCheck`).

*Cut short.*  A STOP may arrive while a long batch is evaluated.  Then the records that are left,
all of lower priority, are put back (`cut_short`), the batch is committed as far as it went, and the
next one begins with the STOP.

*Positions.*  `positions` is what is committed.  `expected` runs ahead: the next offset that the
buffers want. `consumer_positions` says where the consumer stands behind the last record, past
transaction markers.

The class does no I/O: the simulation runs the very same code under a virtual clock.  It replaces
Faust's events and tables, which cost 300 to 800 us a record and acknowledge records that were lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from streams.memory import IdlePacker, unpack
from streams.partition import changelog
from streams.partition.decoding import Record
from streams.partition.dlq_limit import Standstill, standstill_name
from streams.partition.ends_check import EndsCheck
from streams.partition.evaluator import Evaluator
from streams.partition.known_inputs import KnownInputs
from streams.partition.queues import PriorityBuffer, RecordBuffer
from streams.partition.reevaluator import Reevaluator
from streams.partition.transaction import CallResult, Transaction
from streams.processing import Settings, StateStore
from streams.processor import Processor

MAX_TIMERS = 2000
"""Timers that fire in one batch."""


class PartitionTask:
    def __init__(
        self,
        processor: Processor,
        partition: int,
        counts: Mapping[str, int],
        *,
        limit: int = 2000,
        dlq_share: float = 0.5,
        accepted_standstills: Collection[str] = (),
    ) -> None:
        """`counts`: each topic's number of partitions.  `limit`: records that a transaction may
        evaluate.  `dlq_share`: see `DlqLimit`.  `accepted_standstills`: names of standstills that
        staff let go on."""
        self.processor = processor
        self.partition = partition
        self.counts = counts
        self.limit = limit
        self.priority_topics = {topic.name for topic in processor.priority_topics}
        self._evaluator = Evaluator(processor, partition, counts, dlq_share)
        self._dlq_share = dlq_share
        self._accepted_standstills = accepted_standstills
        self.topics = self._evaluator.topics
        self.stores = self._evaluator.stores
        self.timers = self._evaluator.timers
        self.reevaluator = Reevaluator(processor.waiting_prefix)
        self._packer = IdlePacker() if processor.compresses_idle_state else None
        self.priority_buffer = PriorityBuffer(limit)
        self.buffer = RecordBuffer(limit)
        self.call_results: deque[CallResult] = deque()
        self.acquired_keys: deque[str] = deque()
        self.positions: dict[str, int] = {}
        self.expected: dict[str, int] = {}
        self.consumer_positions: dict[str, int] = {}
        self.backlog: dict[str, int] = {}  # what other topics held at assignment
        self.ends_check = EndsCheck(enabled=processor.checks_ends)
        self.serial = 0
        self.known_inputs = KnownInputs()
        self._saves_positions = False
        self._partitions = counts.get(processor.inputs[0].name)

    @property
    def standstills(self) -> dict[str, Standstill]:
        """By topic: what waits for a person, because too many records became dead letters."""
        return self._evaluator.standstills

    def stands_still(self, topic: str) -> bool:
        """It is not to be fetched."""
        return topic in self._evaluator.standing

    @property
    def entry_count(self) -> int:
        return self._evaluator.entry_count

    def restore(self, items: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Changelog records, oldest first; the last one of a key holds.  Raises
        changelog.Damaged."""
        snapshot = changelog.collapse(items)
        timers: dict[bytes, int] = {}
        if snapshot.partitions not in (None, self._partitions):
            written = (
                f"written over {snapshot.partitions} partitions; now there are {self._partitions}"
            )
            raise changelog.Repartitioned(
                f"{written}: their keys' entries would be in other partitions (a migration: see "
                "docs/operations/repartitioning.md)"
            )
        for key, value in snapshot.entries.items():
            timer, body = changelog.unpack_value(value)
            entity_key, name = changelog.split_key(key)
            state = self.stores.get(entity_key) or self.stores.setdefault(
                entity_key, StateStore(entity_key)
            )
            state.raw[name] = body
            if timer:
                timers[key] = timer
        self.timers.restore(timers)
        self._evaluator.entry_count = len(snapshot.entries)
        self.serial = snapshot.serial
        self.reevaluator.settled = snapshot.settings
        self.positions = {
            topic: at for topic, at in snapshot.positions.items() if topic in self.topics
        }
        self.known_inputs.restore(snapshot.inputs, self.topics)
        self._restore_standstills(snapshot.standstills)
        if self.processor.reports_acquired:
            self.acquired_keys.extend(self.stores)
        elif (is_former := self.processor.is_former_key) is not None:
            self.acquired_keys.extend(filter(is_former, self.stores))
        if self._packer is not None:
            self._packer.restore(store.raw for store in self.stores.values())
        self.rewind()

    def _restore_standstills(self, known: Mapping[str, Standstill]) -> None:
        for topic, standstill in known.items():
            limit = self._evaluator.limits.get(topic)
            name = standstill_name(topic, self.partition, standstill)
            if limit is None or self._dlq_share >= 1 or name in self._accepted_standstills:
                self._saves_positions = True
                if limit is not None:
                    limit.is_lifted = True
            else:
                self.standstills[topic] = standstill

    def rewind(self) -> None:
        """Forget what is buffered: the consumer will be sought to `positions`.  What stands still
        is tried once more."""
        self._evaluator.standing.clear()
        self.priority_buffer.clear()
        self.buffer.clear()
        self.consumer_positions.clear()
        self.ends_check.forget()
        self.expected = dict(self.positions)

    def set_barrier(self, ends: Mapping[str, int]) -> None:
        """Evaluate nothing until each priority topic has been read to this offset."""
        first = {topic: end for topic, end in ends.items() if topic in self.priority_topics}
        self.priority_buffer.set_barrier(first)
        if self.processor.catches_up:
            self.backlog = {one: end for one, end in ends.items() if one not in self.barrier}

    @property
    def barrier(self) -> dict[str, int]:
        return self.priority_buffer.barrier

    def note_position(self, topic: str, position: int) -> None:
        """The consumer stands at `position`, whatever records there were: markers and compaction
        leave gaps."""
        if position >= self.barrier.get(topic, position + 1):
            del self.barrier[topic]
        if position > self.positions.get(topic, 0) and not self.stands_still(topic):
            self.consumer_positions[topic] = position

    @property
    def awaited(self) -> set[str]:
        """Topics whose consumer position each fetch must report."""
        return {*self.barrier, *self.backlog, *self.ends_check.ends}

    @property
    def checked_topics(self) -> list[str]:
        """Those whose ends a timer waits for."""
        return list(self.topics if self.processor.catches_up else self.priority_topics)

    def _timers_until(self) -> float:
        read = self.positions
        if self.ends_check.ends and not (self.buffer or self.priority_buffer):
            read = {**read, **self.consumer_positions}
        return self.ends_check.timers_until(read, self.stands_still)

    def skip_to(self, topic: str, at: int) -> None:
        """Records are lost, and somebody has said that the topic goes on here.  Committed with the
        next batch."""
        self.positions[topic] = at
        self.expected[topic] = at
        self.consumer_positions[topic] = at
        self.known_inputs.forget(topic)
        self._saves_positions = True

    def note_topic_ids(self, ids: Mapping[str, str]) -> None:
        """The broker's ids of the input topics; those not known yet are kept with the next
        batch."""
        if self.known_inputs.note_ids(ids, self.topics):
            self._saves_positions = True

    def feed(self, topic: str, records: list[Record]) -> None:
        """Offsets that were taken already are dropped.  A gap is normal, for transactions' markers
        take offsets too."""
        expected = self.expected.get(topic, -1)
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if records:
            (self.priority_buffer if topic in self.priority_topics else self.buffer).extend(records)
            self.expected[topic] = records[-1].offset + 1

    def follow_settings(self, settings: Settings) -> None:
        """Where these are other settings than before, what waits is evaluated again (see
        `Reevaluator`)."""
        self.reevaluator.follow_settings(settings, self.stores)

    def has_capacity(self, topic: str) -> bool:
        """Priority topics have a buffer of their own, so that a backlog of requests never keeps a
        STOP out."""
        if self.stands_still(topic):
            return False
        return (self.priority_buffer if topic in self.priority_topics else self.buffer).has_capacity

    @property
    def pending(self) -> int:
        """How many records and call results may be evaluated now."""
        first = len(self.priority_buffer) if self.priority_buffer.is_ready else 0
        return len(self.call_results) + first + (0 if self.barrier else len(self.buffer))

    @property
    def has_stop(self) -> bool:
        """Whether a STOP may be among the priority records here: it waits for nothing."""
        is_first = self.processor.batching.stop_topics == "priority_topics"
        return is_first and self.priority_buffer.is_ready

    @property
    def has_urgent(self) -> bool:
        """Whether a STOP may be here."""
        return self.has_stop or (
            bool(self.buffer)
            and self.processor.batching.stop_topics == "topics"
            and not self.barrier
        )

    def idle_until(self) -> float:
        """Seconds since 1970 of the next thing to do without being fed; 0.0 for now, infinity for
        never."""
        if (
            self.call_results
            or self.priority_buffer.is_ready
            or (not self.barrier and self._has_regular_work())
        ):
            return 0.0
        due = self.timers.next()
        is_waiting = self._timers_until() < due and self.ends_check.ends
        return float("inf") if self.barrier or self._is_behind() or is_waiting else due

    def _has_regular_work(self) -> bool:
        return bool(
            self.buffer
            or self.acquired_keys
            or self.consumer_positions
            or self._saves_positions
            or (self.reevaluator.is_walking and not self._is_behind())
        )

    def _is_behind(self) -> bool:
        """Whether some of the backlog is unread.  What stands still is not waited for."""
        if self.backlog and not self.buffer:
            noted = {**self.positions, **self.consumer_positions}
            left = {one: end for one, end in self.backlog.items() if noted.get(one, 0) < end}
            self.backlog = {one: end for one, end in left.items() if not self.stands_still(one)}
        return bool(self.backlog)

    def begin(self, now: datetime) -> Transaction:
        """Take a batch out of the buffers, in the order that the module's docstring promises."""
        work: deque[Any] = deque(self.call_results)
        has_results = bool(work)
        self.call_results.clear()
        if self._packer is not None:
            self._packer.pack_some(now)
        if self.priority_buffer.is_ready:
            self.priority_buffer.move_to(work, self.limit - len(work))
        elif not self.barrier:
            work.extend(self.acquired_keys)
            self.acquired_keys.clear()
            if not self._is_behind():
                work.extend(self.reevaluator.next_slice())
                until = min(now.timestamp(), self._timers_until())
                work.extend(self.timers.pop_due(until, MAX_TIMERS))
            self.buffer.move_to(work, self.limit - len(work))
        tx = Transaction(now, self.serial + 1, work, dict(self.positions))
        tx.fires_due_timers = has_results and not self.processor.checks_ends
        tx.saves_positions = self._saves_positions
        # Only when all records that came before the noted positions are in this batch or committed.
        if self.consumer_positions and not (self.barrier or self.priority_buffer or self.buffer):
            tx.consumer_positions = self.consumer_positions
            self.consumer_positions = {}
        return tx

    def final_batch(self, now: datetime) -> Transaction:
        """The partition is being given up: only the results of calls that were made are still
        written."""
        work: deque[Any] = deque(self.call_results)
        self.call_results.clear()
        return Transaction(now, self.serial + 1, work, dict(self.positions))

    def evaluate(self, tx: Transaction, settings: Settings, limit: int = 20) -> bool:
        """Evaluate up to `limit` items; True while there are more, so that the caller can serve the
        network meanwhile."""
        work = tx.work
        self._evaluator.evaluate(tx, min(limit, len(work)), settings)
        if not work and tx.due_timers:
            self._fire_due_timers(tx)
        if not work and tx.unfinished:
            work.extend(tx.unfinished.values())
            tx.unfinished.clear()
        if not work:
            for topic, at in tx.consumer_positions.items():
                if self.stands_still(topic):
                    continue
                tx.positions[topic] = max(at, tx.positions.get(topic, 0))
        return bool(work)

    def _fire_due_timers(self, tx: Transaction) -> None:
        """A call that ended makes room for the next one, which needs no transaction of its own; but
        a STOP that has come meanwhile goes first."""
        due = tx.due_timers
        tx.due_timers = []
        tx.fires_due_timers = False
        if not (self.priority_buffer or self.barrier):
            tx.work.extend(key for key in due if self.timers.claim(key))

    def cut_short(self, tx: Transaction) -> bool:
        """If a STOP has come meanwhile, put back the records that are left.  Whether any were put
        back."""
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
        self.consumer_positions = {**tx.consumer_positions, **self.consumer_positions}
        tx.consumer_positions = {}
        return True

    def build_changelog(self, tx: Transaction) -> list[tuple[bytes, bytes | None]]:
        """The entries that this transaction changes, and the positions."""
        out: list[tuple[bytes, bytes | None]] = []
        for (entity_key, name), state in tx.dirty.items():
            key = changelog.join_key(entity_key, name)
            body = state.raw.get(name)
            if body is not None:
                if isinstance(body, bytes):
                    body = unpack(body)
                else:
                    body = state.raw[name] = changelog.encode_entry(body)
                    if self._packer is not None:
                        self._packer.note_write(tx.now, state.raw, name, body)
                body = changelog.pack_value(self.timers.at(key), body)
            out.append((key, body))
        positions = changelog.encode_positions(
            tx.positions,
            self.entry_count,
            tx.serial,
            self._partitions,
            self.reevaluator.settled,
            self.known_inputs.note_last(tx.last_records, self.topics),
            self.standstills,
        )
        out.append((changelog.POSITIONS, positions))
        return out

    def mark_committed(self, tx: Transaction) -> None:
        if tx.saves_positions:
            self._saves_positions = False
        self.positions = tx.positions
        self.serial = tx.serial
