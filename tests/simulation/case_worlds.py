"""A world in which a thousand cases are played in a minute: it hands over all that there is, and
asks only those who have something to do.  Nobody crashes, but workers may be down for hours."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from schemas.base import Message
from schemas.topics import Topic
from streams.partition.task import PartitionTask
from tests.simulation.world import World

TICK = timedelta(milliseconds=1)


class Outage(NamedTuple):
    """Of all workers of some processors; afterwards somebody else owns their partitions."""

    processors: frozenset[str]
    start: datetime
    end: datetime


@dataclass
class QuickWorld(World):
    partitions: int = 1
    batch: int = 2000
    """Records that a transaction may take."""
    outages: list[Outage] = field(default_factory=list)
    _waiting: list[tuple[datetime, int, Topic[Any], Message]] = field(default_factory=list)
    _serial: Iterator[int] = field(default_factory=count)

    def publish_at(self, at: datetime, topic: Topic[Any], message: Message) -> None:
        heapq.heappush(self._waiting, (at, next(self._serial), topic, message))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.now:
            _, _, topic, message = heapq.heappop(self._waiting)
            self.publish(topic, message)

    def feed(self, task: PartitionTask) -> None:
        for topic in task.processor.inputs:
            log = self.log.entries[topic.name, task.partition]
            at = task.expected.get(topic.name, 0)
            if len(log) > at:
                task.feed(topic.name, log[at:])
            if len(log) > at or task.awaited:
                task.note_position(topic.name, len(log))

    def turn(self, task: PartitionTask) -> None:
        task.limit = self.batch
        self.feed(task)
        task.follow_settings(self.settings)
        self.tell_ends(task)
        tx = task.begin(self.now)
        while task.evaluate(tx, self.settings, limit=self.batch):
            pass
        if not tx.is_empty:
            self._commit(task, tx)
        self._effects(task, tx)

    def settle(self, until: timedelta = timedelta(days=5), turns: int = 20_000) -> None:
        end = self.now + until
        for _ in range(turns):
            self._calls()
            if self._turn_all():
                self.now += TICK
                self._deliver()
                continue
            upcoming = self._next_moment()
            if upcoming is None or upcoming > end:
                return
            before = self.now
            self.now = max(self.now, upcoming) + TICK
            self._restart(before)
            self._deliver()
        raise AssertionError("the world did not settle: something wakes for ever")

    def _turn_all(self) -> bool:
        """Whether anybody had something to do: what one writes, the next may read at once."""
        down = self._down()
        has_worked = False
        for (name, _), task in self.tasks.items():
            if name not in down and self._has_work(task):
                self.turn(task)
                has_worked = True
        return has_worked

    def _next_moment(self) -> datetime | None:
        upcoming = [self._waiting[0][0]] if self._waiting else []
        upcoming += [turn.at for turn in self.turns]
        upcoming += [datetime.fromtimestamp(at, UTC) for at in self._wakes() if at != float("inf")]
        upcoming += [one.end for one in self.outages if one.end > self.now]
        return min(upcoming, default=None)

    def _restart(self, before: datetime) -> None:
        """Workers that come back have only what is on Kafka."""
        for outage in self.outages:
            if before < outage.end <= self.now:
                for name, partition in list(self.tasks):
                    if name in outage.processors:
                        self.open(self.tasks[name, partition].processor, partition)

    def _down(self) -> frozenset[str]:
        """Processors without a worker."""
        now = self.now
        return frozenset().union(
            *(one.processors for one in self.outages if one.start <= now < one.end)
        )

    def _wakes(self) -> list[float]:
        down = self._down()
        return [task.timers.next() for (name, _), task in self.tasks.items() if name not in down]
