"""One family of a room under a virtual clock: rows go through JSON, as on Kafka; wakes fire in
order of time."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from schemas.base import Message
from schemas.topics import TOPICS, Topic
from streams.gate.state import to_ms
from streams.processing import (
    InputRecord,
    OnTimer,
    Process,
    Publication,
    Settings,
    StateStore,
    StepResult,
    UnreadableRecord,
)
from streams.state_entry import dump
from tests.core.drive import finished

READ_FROM = {topic.carries: topic.name for topic in TOPICS} | {
    UnreadableRecord: "sms.consent-events"
}


class Played:
    """`tell` a fact and get what was published; `published` keeps all of it; `until` lets time
    pass."""

    def __init__(
        self,
        process: Process,
        on_timer: OnTimer,
        entity_key: str,
        now: datetime,
        settings: Settings,
    ) -> None:
        self.process, self.on_timer, self.settings, self.now = process, on_timer, settings, now
        self.state = StateStore(entity_key)
        self.timers: dict[str, datetime] = {}
        self.published: list[Publication] = []
        self._offsets = count()

    def tell(self, value: Message, *, at: datetime | None = None) -> list[Publication]:
        """`at` is the record's append time; now, if it is not given.  A later one moves the
        clock: nothing is read before it was written."""
        self.now = max(self.now, at or self.now)
        return self.tell_from(value, at or self.now)

    def tell_from(self, value: Message, at: datetime) -> list[Publication]:
        """A record that the broker's clock has stamped so, whatever ours says."""
        record = InputRecord(value, READ_FROM[type(value)], 0, next(self._offsets), to_ms(at))
        return self._apply(self.process(self.state, record, self.now, self.settings))

    def until(self, moment: datetime) -> list[Publication]:
        published: list[Publication] = []
        while due := [(at, name) for name, at in self.timers.items() if at <= moment]:
            at, name = min(due)
            self.now = max(self.now, at)
            del self.timers[name]
            published += self._apply(self.on_timer(self.state, name, self.now, self.settings))
        self.now = moment
        return published

    def all(self, topic: Topic[Any]) -> list[Any]:
        return of(topic, self.published)

    def _apply(self, step: StepResult) -> list[Publication]:
        self._write(step)
        last = finished(self.process, self.state, self.now, self.settings)
        if last is None:
            return list(step.publish)
        self._write(last)
        return [*step.publish, *last.publish]

    def _write(self, step: StepResult) -> None:
        for name, row in step.state.items():
            if row is None:
                self.state.raw.pop(name, None)
                self.timers.pop(name, None)
            else:
                self.state.raw[name] = dump(row)
        for name, at in step.timers.items():
            self.timers.pop(name, None)
            if at is not None and name in self.state.raw:
                self.timers[name] = at
        self.published += step.publish


def of(topic: Topic[Any], published: list[Publication]) -> list[Any]:
    return [value for carried, value in published if carried is topic]
