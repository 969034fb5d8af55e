"""What one fact, wake or answer does to the rows of its family, and what it publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from schemas.topics import DEAD_LETTERS, Topic
from streams.lanes import changelog
from streams.lanes.anew import Again
from streams.lanes.outbox import Outbox
from streams.lanes.reading import (
    Misfiled,
    Record,
    appended_ms,
    dead_letter,
    partition_of,
    read,
    replayed,
    rerouted,
)
from streams.lanes.transaction import Answered, Transaction
from streams.lanes.wakes import Wakes
from streams.room import Room
from streams.step import Fact, Opened, Publication, Row, Rows, Settings, Step, Unreadable

_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long
OF_NOBODY = "its key names nobody: if it was a STOP, nobody has heard it"


class Judge:
    """`counts` tells each topic's number of partitions; `rows_count` how many rows all families have together."""

    def __init__(self, room: Room, partition: int, counts: Mapping[str, int]) -> None:
        self.room, self.counts = room, counts
        self.topics: dict[str, Topic[Any]] = {topic.name: topic for topic in room.reads}
        self._reads = {topic.name: (topic, counts[topic.name]) for topic in room.reads}
        self.told_of = {
            topic.name for topic in (room.first if room.told_of is None else room.told_of)
        }
        self.families: dict[str, Rows] = {}
        self.wakes = Wakes()
        self.rows_count = 0
        self._outbox = Outbox(room.name, partition, counts)
        self._special: dict[type, Callable[[Transaction, Any, Settings], None]] = {
            Answered: self._answered,
            bytes: self._wake,
            Again: self._again,
            Rows: self._finish,
            str: self._open,
        }

    def is_record(self, item: Any) -> bool:
        return type(item) not in self._special

    def judge(self, tx: Transaction, count: int, settings: Settings) -> None:
        """The next `count` items of its work."""
        work, special = tx.work, self._special
        for _ in range(count):
            item = work.popleft()
            handle = special.get(type(item))
            if handle is None:
                self._record(tx, item, settings)
            else:
                handle(tx, item, settings)

    def _answered(self, tx: Transaction, answered: Answered, settings: Settings) -> None:
        self._fold(tx, answered.family, Fact(answered.value), settings)

    def _open(self, tx: Transaction, family: str, settings: Settings) -> None:
        self._fold(tx, family, Fact(Opened()), settings)

    def _record(self, tx: Transaction, record: Record, settings: Settings) -> None:
        name, offset, dead = record.topic, record.offset, tx.dead
        topic, partitions = self._reads[name]
        tx.positions[name] = offset + 1
        tx.judged += 1
        found = read(topic, record, self.families, partitions)
        if isinstance(found, tuple):
            family, value, at_ms = found
            self._fold(
                tx, family, _tuple(Fact, (value, name, record.partition, offset, at_ms)), settings
            )
        elif isinstance(found, Misfiled):
            self._reroute(tx, topic, record, found)
        else:
            self._set_aside(tx, record, found, settings)
        if tx.dead != dead and replayed(
            record
        ):  # by staff, who may have been wrong: no producer has gone wrong
            tx.dead = dead

    def _reroute(self, tx: Transaction, topic: Topic[Any], record: Record, found: Misfiled) -> None:
        partition = partition_of(found.key, self.counts[topic.name])
        there = tx.places.setdefault((topic.name, partition), [])
        there.append((found.key, record.value or b"", rerouted(record)))
        tx.sent += 1

    def _set_aside(
        self, tx: Transaction, record: Record, found: Unreadable, settings: Settings
    ) -> None:
        told = record.topic in self.told_of
        if told and found.family is None:
            found = found.model_copy(update={"reason": f"{found.reason}; {OF_NOBODY}"})
        self._publish(
            tx, (Publication(DEAD_LETTERS, dead_letter(self.room.name, record, found, tx.now)),)
        )
        if told and found.family is not None:
            fact = Fact(found, record.topic, record.partition, record.offset, appended_ms(record))
            self._fold(tx, found.family, fact, settings)

    def _wake(self, tx: Transaction, key: bytes, settings: Settings) -> None:
        family, name = changelog.split(key)
        tx.fired += 1
        if self.room.woke is not None and key not in self.wakes:
            rows = self.families.get(family)
            if rows is not None and name in rows.raw:
                tx.dirty[family, name] = rows
                self._apply(tx, rows, self.room.woke(rows, name, tx.now, settings))
                self._let_go(rows)

    def _again(self, tx: Transaction, again: Again, settings: Settings) -> None:
        family, name = changelog.split(again.key)
        rows = self.families.get(family)
        if self.room.woke is not None and rows is not None and name in rows.raw:
            tx.fired += 1
            self._apply(tx, rows, self.room.woke(rows, name, tx.now, settings))
            self._let_go(rows)

    def _fold(self, tx: Transaction, family: str, fact: Fact, settings: Settings) -> None:
        rows = self.families.get(family)
        if rows is None:
            rows = self.families[family] = Rows(family)
        self._apply(tx, rows, self.room.fold(rows, fact, tx.now, settings))
        if not rows.raw:
            self._let_go(rows)

    def _finish(self, tx: Transaction, rows: Rows, settings: Settings) -> None:
        """All facts of this batch about this family have been folded."""
        assert self.room.finish is not None
        step = self.room.finish(rows, tx.now, settings)
        rows.pending = None
        self._apply(tx, rows, step)
        self._let_go(rows)

    def _let_go(self, rows: Rows) -> None:
        if not rows.raw and not rows.remembers and rows.pending is None:
            del self.families[rows.family]

    def _apply(self, tx: Transaction, rows: Rows, step: Step) -> None:
        changed, publish, wake, effects = step
        if rows.pending is not None:
            tx.unfinished[rows.family] = rows
        if changed:
            self._write(tx, rows, changed)
        for name, at in wake.items() if wake else ():
            key = changelog.join(rows.family, name)
            tx.dirty[rows.family, name] = rows
            if at is None or name not in rows.raw:
                self.wakes.drop(key)
            else:
                self.wakes.set(key, at)
                if tx.chains and at <= tx.now:
                    tx.due.append(key)
        if publish:
            self._publish(tx, publish)
        for effect in effects:
            tx.effects.append((rows.family, effect))

    def _write(self, tx: Transaction, rows: Rows, changed: Mapping[str, Row | None]) -> None:
        """The row stays as it is until `changelog`: what is written by every fact of a batch becomes bytes once."""
        raw, dirty, family = rows.raw, tx.dirty, rows.family
        for name, row in changed.items():
            dirty[family, name] = rows
            if row is None:
                if raw.pop(name, None) is not None:
                    self.rows_count -= 1
                self.wakes.drop(changelog.join(family, name))
            else:
                if name not in raw:
                    self.rows_count += 1
                raw[name] = row

    def _publish(self, tx: Transaction, told: tuple[Publication, ...]) -> None:
        self._outbox.put(tx, told)
        tx.told.extend(told)
        for topic, _ in told:
            if topic is DEAD_LETTERS:
                tx.dead += 1
