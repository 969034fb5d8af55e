"""What one record, timer or call result does to the state of its entity key, and what it publishes.

A batch's work is a queue of plain values whose type says what they are: a record, a `CallResult`,
the changelog key of a due timer (`bytes`), a `ReevaluateEntry`, an entity key with a new owner
(`str`), or the `StateStore` of a key for which the batch is to be finished.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.dead_letter import DeadLetter, DeadLetterCause
from schemas.topics import DEAD_LETTERS, Topic
from streams.partition import changelog
from streams.partition.decoding import (
    Record,
    WrongPartition,
    append_time_ms,
    decode,
    is_replay,
    partition_of,
    quote_record,
    reroute_headers,
)
from streams.partition.dlq_limit import (
    DlqLimit,
    Standstill,
    describe_remedy,
    standstill_name,
)
from streams.partition.queues import TimerQueue
from streams.partition.reevaluator import ReevaluateEntry
from streams.partition.transaction import CallResult, RecordBuilder, Transaction
from streams.processing import (
    InputRecord,
    PartitionAcquired,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    UnreadableRecord,
)
from streams.processor import Processor

NO_LIMIT: Final = 1.0
"""The share of dead letters that what may carry a STOP is allowed."""
_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long
UNTRUSTED_KEY = "its key names nobody: if it was a STOP, nobody has heard it"


class Evaluator:
    def __init__(
        self,
        processor: Processor,
        partition: int,
        counts: Mapping[str, int],
        dlq_share: float = 0.5,
    ) -> None:
        """`counts`: each topic's number of partitions.  `dlq_share`: see `DlqLimit`."""
        self.processor = processor
        self.partition = partition
        self.counts = counts
        self.topics: dict[str, Topic[Any]] = {topic.name: topic for topic in processor.inputs}
        self.reports_unreadable = {
            topic.name
            for topic in (
                processor.priority_topics
                if processor.reports_unreadable is None
                else processor.reports_unreadable
            )
        }
        may_carry_stop = self.reports_unreadable | {
            topic.name for topic in processor.priority_topics
        }
        self.limits = {
            name: DlqLimit(dlq_share) for name in self.topics if name not in may_carry_stop
        }
        """Of the topics that may stand still."""
        self._shared = {topic.name for topic in processor.shared_topics}
        self._inputs = {
            name: (topic, counts[name], self.limits.get(name) or DlqLimit(NO_LIMIT))
            for name, topic in self.topics.items()
        }
        self.standstills: dict[str, Standstill] = {}
        """By topic, as they are committed."""
        self.standing: set[str] = set()
        """Topics whose records are passed over, since they were seen to stand still."""
        self.stores: dict[str, StateStore] = {}
        self.timers = TimerQueue()
        self.entry_count = 0
        """How many entries all keys have together."""
        self._record_builder = RecordBuilder(processor.name, partition, counts)
        self._special: dict[type, Callable[[Transaction, Any, Settings], None]] = {
            CallResult: self._apply_call_result,
            bytes: self._fire_timer,
            ReevaluateEntry: self._reevaluate,
            StateStore: self._finish_batch,
            str: self._report_acquired,
        }

    def is_record(self, item: Any) -> bool:
        return type(item) not in self._special

    def evaluate(self, tx: Transaction, count: int, settings: Settings) -> None:
        """Evaluate the next `count` items of the transaction's work."""
        work = tx.work
        special = self._special
        for _ in range(count):
            item = work.popleft()
            handle = special.get(type(item))
            if handle is None:
                self._evaluate_record(tx, item, settings)
            else:
                handle(tx, item, settings)

    def _apply_call_result(self, tx: Transaction, result: CallResult, settings: Settings) -> None:
        self._process(tx, result.entity_key, InputRecord(result.value), settings)

    def _report_acquired(self, tx: Transaction, entity_key: str, settings: Settings) -> None:
        self._process(tx, entity_key, InputRecord(PartitionAcquired()), settings)

    def _evaluate_record(self, tx: Transaction, record: Record, settings: Settings) -> None:
        name = record.topic
        if name in self.standing:
            return
        offset = record.offset
        dead_letters = tx.dead_letter_count
        topic, partitions, limit = self._inputs[name]
        decoded = decode(topic, record, self.stores, partitions)
        if name in self.standstills and not self._may_go_on(tx, name, decoded):
            return
        tx.positions[name] = offset + 1
        tx.last_records[name] = record
        tx.record_count += 1
        limit.records += 1
        if isinstance(decoded, tuple):
            entity_key, value, at_ms = decoded
            self._process(
                tx,
                entity_key,
                _tuple(InputRecord, (value, name, record.partition, offset, at_ms)),
                settings,
            )
        elif name in self._shared:
            return
        elif isinstance(decoded, WrongPartition):
            self._reroute(tx, topic, record, decoded)
        else:
            self._publish_dead_letter(tx, record, decoded, settings)
        if tx.dead_letter_count == dead_letters:
            return
        if is_replay(record):
            tx.dead_letter_count = dead_letters  # staff replayed it: no producer has gone wrong
        elif limit.add(offset, _last_reason(tx)):
            self._stand_still(tx, record, limit)

    def _may_go_on(self, tx: Transaction, name: str, decoded: object) -> bool:
        """After a start, the record at which a topic stands still is tried once more."""
        if isinstance(decoded, UnreadableRecord):
            self.standing.add(name)
            tx.standstills.append(name)
            return False
        del self.standstills[name]
        return True

    def _stand_still(self, tx: Transaction, record: Record, limit: DlqLimit) -> None:
        """Nothing behind this record is evaluated.  A dead letter says so, for those who read
        dead letters and not logs."""
        name = record.topic
        at_ms = int(tx.now.timestamp() * 1000)
        standstill = limit.build_standstill(record.offset + 1, at_ms)
        self.standstills[name] = standstill
        self.standing.add(name)
        tx.standstills.append(name)
        remedy = describe_remedy(standstill_name(name, self.partition, standstill))
        letter = DeadLetter(
            room=self.processor.name,
            topic=name,
            partition=record.partition,
            offset=standstill.offset,
            timestamp=tx.now,
            cause=DeadLetterCause.STANDS_STILL,
            reason=f"{standstill.describe()}; {remedy}",
            at=tx.now,
        )
        self._publish(tx, (Publication(DEAD_LETTERS, letter),))

    def _reroute(
        self, tx: Transaction, topic: Topic[Any], record: Record, wrong: WrongPartition
    ) -> None:
        partition = partition_of(wrong.key, self.counts[topic.name])
        records = tx.outgoing.setdefault((topic.name, partition), [])
        records.append((wrong.key, wrong.value, reroute_headers(record)))
        tx.outgoing_count += 1

    def _publish_dead_letter(
        self, tx: Transaction, raw: Record, unreadable: UnreadableRecord, settings: Settings
    ) -> None:
        reports = raw.topic in self.reports_unreadable
        if reports and unreadable.entity_key is None:
            reason = f"{unreadable.reason}; {UNTRUSTED_KEY}"
            unreadable = unreadable.model_copy(update={"reason": reason})
        dead_letter = quote_record(self.processor.name, raw, unreadable, tx.now)
        self._publish(tx, (Publication(DEAD_LETTERS, dead_letter),))
        if reports and unreadable.entity_key is not None:
            record = InputRecord(
                unreadable, raw.topic, raw.partition, raw.offset, append_time_ms(raw)
            )
            self._process(tx, unreadable.entity_key, record, settings)

    def _fire_timer(self, tx: Transaction, key: bytes, settings: Settings) -> None:
        entity_key, name = changelog.split_key(key)
        tx.timer_count += 1
        if self.processor.on_timer is not None and key not in self.timers:
            state = self.stores.get(entity_key)
            if state is not None and name in state.raw:
                tx.dirty[entity_key, name] = state
                self._apply(tx, state, self.processor.on_timer(state, name, tx.now, settings))
                self._drop_if_empty(state)

    def _reevaluate(self, tx: Transaction, entry: ReevaluateEntry, settings: Settings) -> None:
        entity_key, name = changelog.split_key(entry.key)
        state = self.stores.get(entity_key)
        if self.processor.on_timer is not None and state is not None and name in state.raw:
            tx.timer_count += 1
            self._apply(tx, state, self.processor.on_timer(state, name, tx.now, settings))
            self._drop_if_empty(state)

    def _process(
        self, tx: Transaction, entity_key: str, record: InputRecord, settings: Settings
    ) -> None:
        state = self.stores.get(entity_key)
        if state is None:
            state = self.stores[entity_key] = StateStore(entity_key)
        self._apply(tx, state, self.processor.process(state, record, tx.now, settings))
        if not state.raw:
            self._drop_if_empty(state)

    def _finish_batch(self, tx: Transaction, state: StateStore, settings: Settings) -> None:
        """All records of this batch about this key have been processed."""
        assert self.processor.finish_batch is not None
        result = self.processor.finish_batch(state, tx.now, settings)
        state.pending = None
        self._apply(tx, state, result)
        self._drop_if_empty(state)

    def _drop_if_empty(self, state: StateStore) -> None:
        if not state.raw and not state.has_cache and state.pending is None:
            del self.stores[state.entity_key]

    def _apply(self, tx: Transaction, state: StateStore, result: StepResult) -> None:
        changed, publish, timers, calls = result
        if state.pending is not None:
            tx.unfinished[state.entity_key] = state
        if changed:
            self._write(tx, state, changed)
        for name, at in timers.items() if timers else ():
            key = changelog.join_key(state.entity_key, name)
            tx.dirty[state.entity_key, name] = state
            if at is None or name not in state.raw:
                self.timers.drop(key)
            else:
                self.timers.set(key, at)
                if tx.fires_due_timers and at <= tx.now:
                    tx.due_timers.append(key)
        if publish:
            self._publish(tx, publish)
        for call in calls:
            tx.calls.append((state.entity_key, call))

    def _write(
        self, tx: Transaction, state: StateStore, changed: Mapping[str, StateEntry | None]
    ) -> None:
        """An entry stays an object until `build_changelog`: it is serialized once, whatever writes
        it in a batch."""
        raw = state.raw
        dirty = tx.dirty
        entity_key = state.entity_key
        for name, entry in changed.items():
            dirty[entity_key, name] = state
            if entry is None:
                if raw.pop(name, None) is not None:
                    self.entry_count -= 1
                self.timers.drop(changelog.join_key(entity_key, name))
            else:
                if name not in raw:
                    self.entry_count += 1
                raw[name] = entry

    def _publish(self, tx: Transaction, publications: tuple[Publication, ...]) -> None:
        self._record_builder.put(tx, publications)
        tx.publications.extend(publications)
        for topic, _ in publications:
            if topic is DEAD_LETTERS:
                tx.dead_letter_count += 1


def _last_reason(tx: Transaction) -> str:
    letters = (message for topic, message in reversed(tx.publications) if topic is DEAD_LETTERS)
    letter = next(letters, None)
    return letter.reason if isinstance(letter, DeadLetter) else ""
