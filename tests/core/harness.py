"""Runs one entity of a processor as the runtime does, under a virtual clock.

State entries go through JSON and stay under 64 kB; every publication makes a round trip through
its wire form; timers fire once and to the millisecond; calls are handed out after their step. A
crash loses memory and the calls in flight. Each record is a batch of its own, so `finish_batch`
runs after each step.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil
from typing import Any

from schemas.base import Message
from schemas.topics import CONSENT_EVENTS, DISPATCH_CONTROLS, TOPICS, Topic
from streams.processing import (
    CancelCall,
    InputRecord,
    OnTimer,
    PartitionAcquired,
    Process,
    Publication,
    Settings,
    StateStore,
    StepResult,
    UnreadableRecord,
)
from streams.state_entry import dump
from streams.topology import PROCESSORS

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MAX_ENTRY_BYTES = 64 << 10

READ_FROM = {message: topic.name for topic in TOPICS for message in topic.messages} | {
    UnreadableRecord: CONSENT_EVENTS.name
}
FINISH_BATCH = {processor.process: processor.finish_batch for processor in PROCESSORS.values()}


class ProcessorHarness:
    """`feed` a record and get its step, or `publish_from` a record and get its publications."""

    def __init__(
        self,
        process: Process,
        on_timer: OnTimer,
        entity_key: str,
        settings: Settings,
        *,
        now: datetime = START,
        raw: MutableMapping[str, bytes] | None = None,
    ) -> None:
        self.process, self.on_timer = process, on_timer
        self.settings, self.now = settings, now
        self.state = StateStore(entity_key, raw)
        self.timers: dict[str, datetime] = {}
        self.published: list[Publication] = []
        """Everything so far."""
        self.calls: list[Any] = []
        """Everything so far, also what has a result or was cancelled."""
        self.cancelled: set[Any] = set()
        """Identities of the calls that a step took back."""
        self.in_flight: list[Any] = []
        """The calls without a result."""
        self._offsets = count()

    def feed(
        self, value: Message, *, at: datetime | None = None, offset: int | None = None
    ) -> StepResult:
        """`at` is the record's append time, by default now. A later one moves the clock: nobody
        reads a record before it is written."""
        self.now = max(self.now, at or self.now)
        return self._process(value, at or self.now, offset)

    def publish_from(self, value: Message, *, at: datetime | None = None) -> list[Publication]:
        return list(self.feed(value, at=at).publish)

    def publish_from_stamped(self, value: Message, at: datetime) -> list[Publication]:
        """The broker's clock stamped the record `at`; ours stays where it is."""
        return list(self._process(value, at, None).publish)

    def answer(self, value: Message) -> StepResult:
        """The result of a call, which has no position on Kafka."""
        return self._apply(self.process(self.state, InputRecord(value), self.now, self.settings))

    def acquire(self) -> StepResult:
        return self.answer(PartitionAcquired())

    def crash(self) -> StepResult:
        """The next owner has the state and the timers, and nothing else."""
        self.in_flight.clear()
        self.state = StateStore(self.state.entity_key, dict(self.state.raw))
        return self.acquire() if self.state.raw else StepResult()

    def run_until(self, moment: datetime) -> list[Publication]:
        """Fires the timers that are due by then, and returns what they published."""
        before = len(self.published)
        while due := [(at, name) for name, at in self.timers.items() if at <= moment]:
            at, name = min(due)
            self.now = max(self.now, at)
            self.fire(name)
        self.now = moment
        return self.published[before:]

    def wait(self, seconds: float) -> None:
        self.run_until(self.now + timedelta(seconds=seconds))

    def fire(self, name: str) -> None:
        del self.timers[name]
        self._apply(self.on_timer(self.state, name, self.now, self.settings))

    def published_on(self, topic: Topic[Any]) -> list[Any]:
        return on_topic(topic, self.published)

    def _process(self, value: Message, at: datetime, offset: int | None) -> StepResult:
        record = InputRecord(
            value,
            READ_FROM.get(type(value), DISPATCH_CONTROLS.name),
            0,
            next(self._offsets) if offset is None else offset,
            round(at.timestamp() * 1000),
        )
        return self._apply(self.process(self.state, record, self.now, self.settings))

    def _apply(self, step: StepResult) -> StepResult:
        self._write(step)
        finish = FINISH_BATCH[self.process]
        if self.state.pending is None or finish is None:
            return step
        last = finish(self.state, self.now, self.settings)
        self.state.pending = None
        self._write(last)
        return StepResult(
            {**step.state, **last.state},
            (*step.publish, *last.publish),
            {**step.timers, **last.timers},
        )

    def _write(self, step: StepResult) -> None:
        for name, entry in step.state.items():
            if entry is None:
                self.state.raw.pop(name, None)
                self.timers.pop(name, None)
            else:
                self.state.raw[name] = dump(entry)
                assert len(self.state.raw[name]) < MAX_ENTRY_BYTES
        for name, at in step.timers.items():
            self.timers.pop(name, None)
            if at is not None and name in self.state.raw:
                self.timers[name] = datetime.fromtimestamp(ceil(at.timestamp() * 1000) / 1000, UTC)
        for topic, value in step.publish:
            assert topic.decode(topic.encode(value)) == value
        self.published += step.publish
        self.cancelled |= {call.identity for call in step.calls if isinstance(call, CancelCall)}
        calls = [call for call in step.calls if not isinstance(call, CancelCall)]
        self.calls += calls
        self.in_flight += calls


def on_topic(topic: Topic[Any], published: Iterable[Publication]) -> list[Any]:
    return [value for carried, value in published if carried is topic]
