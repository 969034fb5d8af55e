"""One family of a room under a virtual clock: rows go through JSON, as on Kafka; wakes fire in order of time."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from schemas.base import Message
from schemas.topics import TOPICS, Topic
from streams.gate.rows import to_ms
from streams.row import dump
from streams.step import Fact, Fold, Publication, Rows, Settings, Step, Unreadable, Woke
from tests.core.drive import finished

READ_FROM = {topic.carries: topic.name for topic in TOPICS} | {Unreadable: "sms.consent-events"}


class Played:
    """`tell` a fact and get what was published; `published` keeps all of it; `until` lets time pass."""

    def __init__(
        self, fold: Fold, woke: Woke, family: str, now: datetime, settings: Settings
    ) -> None:
        self.fold, self.woke, self.settings, self.now = fold, woke, settings, now
        self.rows = Rows(family)
        self.wakes: dict[str, datetime] = {}
        self.published: list[Publication] = []
        self._offsets = count()

    def tell(self, value: Message, *, at: datetime | None = None) -> list[Publication]:
        """`at` is the record's append time; now, if it is not given.  A later one moves the clock: nothing is read
        before it was written."""
        self.now = max(self.now, at or self.now)
        return self.tell_from(value, at or self.now)

    def tell_from(self, value: Message, at: datetime) -> list[Publication]:
        """A record that the broker's clock has stamped so, whatever ours says."""
        fact = Fact(value, READ_FROM[type(value)], 0, next(self._offsets), to_ms(at))
        return self._apply(self.fold(self.rows, fact, self.now, self.settings))

    def until(self, moment: datetime) -> list[Publication]:
        published: list[Publication] = []
        while due := [(at, name) for name, at in self.wakes.items() if at <= moment]:
            at, name = min(due)
            self.now = max(self.now, at)
            del self.wakes[name]
            published += self._apply(self.woke(self.rows, name, self.now, self.settings))
        self.now = moment
        return published

    def all(self, topic: Topic[Any]) -> list[Any]:
        return of(topic, self.published)

    def _apply(self, step: Step) -> list[Publication]:
        self._write(step)
        last = finished(self.fold, self.rows, self.now, self.settings)
        if last is None:
            return list(step.publish)
        self._write(last)
        return [*step.publish, *last.publish]

    def _write(self, step: Step) -> None:
        for name, row in step.rows.items():
            if row is None:
                self.rows.raw.pop(name, None)
                self.wakes.pop(name, None)
            else:
                self.rows.raw[name] = dump(row)
        for name, at in step.wake.items():
            self.wakes.pop(name, None)
            if at is not None and name in self.rows.raw:
                self.wakes[name] = at
        self.published += step.publish


def of(topic: Topic[Any], published: list[Publication]) -> list[Any]:
    return [value for carried, value in published if carried is topic]
