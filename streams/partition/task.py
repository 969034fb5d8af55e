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
        self.priority = {topic.name for topic in processor.first}
        self._judge = Evaluator(processor, partition, counts)
        self.topics, self.stores, self.timers = (
            self._judge.topics,
            self._judge.stores,
            self._judge.timers,
        )
        self.anew = Reevaluator(processor.waits)
        self._packer = Packer() if processor.packs else None
        self.positions: dict[str, int] = {}
        self.expected: dict[str, int] = {}
        self.first, self.then = Buffer(limit), Buffer(limit)
        self.answers: deque[CallResult] = deque()
        self.to_open: deque[str] = deque()
        self.awaited: dict[str, int] = {}
        self.stepped: dict[str, int] = {}
        self.serial = 0
        self._partitions = counts.get(processor.reads[0].name)

    @property
    def entry_count(self) -> int:
        return self._judge.entry_count

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
        self._judge.entry_count, self.serial = len(snapshot.entries), snapshot.serial
        self.anew.settled = snapshot.settings
        self.positions = {
            topic: at for topic, at in snapshot.positions.items() if topic in self.topics
        }
        if self.processor.opens:
            self.to_open.extend(self.stores)
        if self._packer is not None:
            self._packer.restore(self.stores.values())
        self.rewind()

    def rewind(self) -> None:
        """Forget what is buffered: the consumer will be sought back to `positions`."""
        self.first.clear()
        self.then.clear()
        self.stepped.clear()
        self.expected = dict(self.positions)

    def bar(self, ends: Mapping[str, int]) -> None:
        """Judge nothing but `first` topics until each of them has been read to this offset."""
        self.awaited = {topic: end for topic, end in ends.items() if topic in self.priority}

    def reached(self, topic: str, position: int) -> None:
        """The consumer stands at `position`, whatever records there were (markers and compaction leave gaps)."""
        if position >= self.awaited.get(topic, position + 1):
            del self.awaited[topic]
        if position > self.positions.get(topic, 0):
            self.stepped[topic] = position

    def go_on(self, topic: str, at: int) -> None:
        """What was to be read next is gone, and somebody has said that it goes on here; noted with the next batch."""
        self.positions[topic] = self.expected[topic] = self.stepped[topic] = at

    def feed(self, topic: str, records: list[Record]) -> None:
        """Offsets already taken are dropped; a gap is normal, for transactions' markers take offsets too."""
        expected = self.expected.get(topic, -1)
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
        if records:
            (self.first if topic in self.priority else self.then).extend(records)
            self.expected[topic] = records[-1].offset + 1

    def follow(self, settings: Settings) -> None:
        """What waits is judged again where these are others than before; see `anew`."""
        self.anew.follow(settings, self.stores)

    def hungry(self, topic: str) -> bool:
        """Bounded buffers, apart, so that a backlog of requests never keeps a STOP out."""
        return (self.first if topic in self.priority else self.then).hungry

    @property
    def waiting(self) -> int:
        """Facts and answers that may be judged now."""
        return len(self.answers) + len(self.first) + (0 if self.awaited else len(self.then))

    @property
    def has_stop(self) -> bool:
        """Whether one may be among the `first` facts here: it waits for nothing."""
        return bool(self.first) and self.processor.batching.urgent == "first"

    @property
    def has_urgent(self) -> bool:
        """Whether a STOP may be here."""
        return self.has_stop or (
            bool(self.then) and self.processor.batching.urgent == "then" and not self.awaited
        )

    def idle_until(self) -> float:
        """Seconds since 1970 of the next thing to do without being fed; 0.0 for now, infinity for never."""
        if self.answers or self.first or (not self.awaited and self._has_more()):
            return 0.0
        return float("inf") if self.awaited else self.timers.next()

    def _has_more(self) -> bool:
        return bool(self.then or self.to_open or self.stepped or self.anew.walking)

    # --- what goes out

    def begin(self, now: datetime) -> Transaction:
        """Take a batch out of the buffers, in the order of the promise.  One that has `first` facts has nothing behind
        them: a STOP is durable soon, and not only when 400 requests have been judged with it."""
        work: deque[Any] = deque(self.answers)
        chains = bool(work)
        self.answers.clear()
        if self._packer is not None:
            self._packer.pack(now)
        if self.first:
            self.first.move(work, self.limit - len(work))
        elif not self.awaited:
            work.extend(self.to_open)
            self.to_open.clear()
            work.extend(self.anew.take())
            work.extend(self.timers.take(now, MAX_FIRED))
            self.then.move(work, self.limit - len(work))
        tx = Transaction(now, self.serial + 1, work, dict(self.positions), chains=chains)
        if self.stepped and not (
            self.awaited or self.first or self.then
        ):  # all that came before is in this batch
            tx.stepped, self.stepped = self.stepped, {}
        return tx

    def last_words(self, now: datetime) -> Transaction:
        """The partition is being given up: only what came of calls already made is still written."""
        work: deque[Any] = deque(self.answers)
        self.answers.clear()
        return Transaction(now, self.serial + 1, work, dict(self.positions))

    def judge(self, tx: Transaction, settings: Settings, most: int = 20) -> bool:
        """Judge some of it; True while there is more, so that the caller can let the network breathe in between."""
        work = tx.work
        self._judge.judge(tx, min(most, len(work)), settings)
        if not work and tx.due:
            self._chain(tx)
        if not work and tx.unfinished:
            work.extend(tx.unfinished.values())
            tx.unfinished.clear()
        for topic, at in tx.stepped.items() if not work else ():
            tx.positions[topic] = max(at, tx.positions.get(topic, 0))
        return bool(work)

    def _chain(self, tx: Transaction) -> None:
        """Answers make room for calls: those need no transaction of their own, unless a STOP has come meanwhile."""
        due, tx.due, tx.chains = tx.due, [], False
        if not (self.first or self.awaited):
            tx.work.extend(key for key in due if self.timers.claim(key))

    def cut(self, tx: Transaction) -> bool:
        """Where a STOP has come meanwhile, judge no more of what comes after it, if only that is left: it has its turn
        then.  Whether something was put back."""
        left = tx.work
        if (
            not self.has_stop
            or not left
            or not self._judge.is_record(left[0])
            or left[0].topic in self.priority
        ):
            return False
        self.then.put_back(list(left))
        left.clear()
        self.stepped, tx.stepped = {**tx.stepped, **self.stepped}, {}
        return True

    def changelog(self, tx: Transaction) -> list[tuple[bytes, bytes | None]]:
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
            tx.positions, self.entry_count, tx.serial, self._partitions, self.anew.settled
        )
        out.append((changelog.POSITIONS, noted))
        return out

    def committed(self, tx: Transaction) -> None:
        self.positions, self.serial = tx.positions, tx.serial
