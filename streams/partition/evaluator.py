"""What one fact, wake or answer does to the rows of its family, and what it publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.topics import DEAD_LETTERS, Topic
from streams.partition import changelog
from streams.partition.decoding import (
    Record,
    WrongPartition,
    appended_ms,
    dead_letter,
    partition_of,
    read,
    replayed,
    rerouted,
)
from streams.partition.record_builder import RecordBuilder
from streams.partition.reevaluator import ReevaluateEntry
from streams.partition.timers import TimerQueue
from streams.partition.transaction import CallResult, Transaction
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

_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long
OF_NOBODY = "its key names nobody: if it was a STOP, nobody has heard it"


class Evaluator:
    """`counts` tells each topic's number of partitions; `rows_count` how many rows all families have together."""

    def __init__(self, processor: Processor, partition: int, counts: Mapping[str, int]) -> None:
        self.processor, self.counts = processor, counts
        self.topics: dict[str, Topic[Any]] = {topic.name: topic for topic in processor.inputs}
        self._inputs = {topic.name: (topic, counts[topic.name]) for topic in processor.inputs}
        self.reports_unreadable = {
            topic.name
            for topic in (
                processor.priority_topics
                if processor.reports_unreadable is None
                else processor.reports_unreadable
            )
        }
        self.stores: dict[str, StateStore] = {}
        self.timers = TimerQueue()
        self.entry_count = 0
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
        """The next `count` items of its work."""
        work, special = tx.work, self._special
        for _ in range(count):
            item = work.popleft()
            handle = special.get(type(item))
            if handle is None:
                self._evaluate_record(tx, item, settings)
            else:
                handle(tx, item, settings)

    def _apply_call_result(self, tx: Transaction, answered: CallResult, settings: Settings) -> None:
        self._process(tx, answered.entity_key, InputRecord(answered.value), settings)

    def _report_acquired(self, tx: Transaction, entity_key: str, settings: Settings) -> None:
        self._process(tx, entity_key, InputRecord(PartitionAcquired()), settings)

    def _evaluate_record(self, tx: Transaction, record: Record, settings: Settings) -> None:
        name, offset, dead = record.topic, record.offset, tx.dead_letter_count
        topic, partitions = self._inputs[name]
        tx.positions[name] = offset + 1
        tx.record_count += 1
        found = read(topic, record, self.stores, partitions)
        if isinstance(found, tuple):
            entity_key, value, at_ms = found
            self._process(
                tx,
                entity_key,
                _tuple(InputRecord, (value, name, record.partition, offset, at_ms)),
                settings,
            )
        elif isinstance(found, WrongPartition):
            self._reroute(tx, topic, record, found)
        else:
            self._publish_dead_letter(tx, record, found, settings)
        if tx.dead_letter_count != dead and replayed(
            record
        ):  # by staff, who may have been wrong: no producer has gone wrong
            tx.dead_letter_count = dead

    def _reroute(
        self, tx: Transaction, topic: Topic[Any], record: Record, found: WrongPartition
    ) -> None:
        partition = partition_of(found.key, self.counts[topic.name])
        there = tx.outgoing.setdefault((topic.name, partition), [])
        there.append((found.key, record.value or b"", rerouted(record)))
        tx.outgoing_count += 1

    def _publish_dead_letter(
        self, tx: Transaction, raw: Record, found: UnreadableRecord, settings: Settings
    ) -> None:
        told = raw.topic in self.reports_unreadable
        if told and found.entity_key is None:
            found = found.model_copy(update={"reason": f"{found.reason}; {OF_NOBODY}"})
        self._publish(
            tx, (Publication(DEAD_LETTERS, dead_letter(self.processor.name, raw, found, tx.now)),)
        )
        if told and found.entity_key is not None:
            record = InputRecord(found, raw.topic, raw.partition, raw.offset, appended_ms(raw))
            self._process(tx, found.entity_key, record, settings)

    def _fire_timer(self, tx: Transaction, key: bytes, settings: Settings) -> None:
        entity_key, name = changelog.split(key)
        tx.timer_count += 1
        if self.processor.on_timer is not None and key not in self.timers:
            state = self.stores.get(entity_key)
            if state is not None and name in state.raw:
                tx.dirty[entity_key, name] = state
                self._apply(tx, state, self.processor.on_timer(state, name, tx.now, settings))
                self._drop_if_empty(state)

    def _reevaluate(self, tx: Transaction, again: ReevaluateEntry, settings: Settings) -> None:
        entity_key, name = changelog.split(again.key)
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
        """All facts of this batch about this family have been folded."""
        assert self.processor.finish_batch is not None
        step = self.processor.finish_batch(state, tx.now, settings)
        state.pending = None
        self._apply(tx, state, step)
        self._drop_if_empty(state)

    def _drop_if_empty(self, state: StateStore) -> None:
        if not state.raw and not state.has_cache and state.pending is None:
            del self.stores[state.entity_key]

    def _apply(self, tx: Transaction, state: StateStore, step: StepResult) -> None:
        changed, publish, timer, calls = step
        if state.pending is not None:
            tx.unfinished[state.entity_key] = state
        if changed:
            self._write(tx, state, changed)
        for name, at in timer.items() if timer else ():
            key = changelog.join(state.entity_key, name)
            tx.dirty[state.entity_key, name] = state
            if at is None or name not in state.raw:
                self.timers.drop(key)
            else:
                self.timers.set(key, at)
                if tx.fires_due_timers and at <= tx.now:
                    tx.due_timers.append(key)
        if publish:
            self._publish(tx, publish)
        for effect in calls:
            tx.calls.append((state.entity_key, effect))

    def _write(
        self, tx: Transaction, state: StateStore, changed: Mapping[str, StateEntry | None]
    ) -> None:
        """The row stays as it is until `changelog`: what is written by every fact of a batch becomes bytes once."""
        raw, dirty, entity_key = state.raw, tx.dirty, state.entity_key
        for name, row in changed.items():
            dirty[entity_key, name] = state
            if row is None:
                if raw.pop(name, None) is not None:
                    self.entry_count -= 1
                self.timers.drop(changelog.join(entity_key, name))
            else:
                if name not in raw:
                    self.entry_count += 1
                raw[name] = row

    def _publish(self, tx: Transaction, told: tuple[Publication, ...]) -> None:
        self._record_builder.put(tx, told)
        tx.publications.extend(told)
        for topic, _ in told:
            if topic is DEAD_LETTERS:
                tx.dead_letter_count += 1
