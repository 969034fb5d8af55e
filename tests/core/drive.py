"""A room's family as the kit runs it, under a virtual clock and with effects: rows go through
JSON, wakes fire once and to the millisecond, an effect is handed out after its step, and a crash
loses memory and whatever was under way."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil
from typing import Any

from schemas.base import Message
from schemas.topics import BY_NAME, Topic
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
)
from streams.state_entry import dump
from streams.topology import PROCESSORS

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

_TOPICS = {topic.carries: name for name, topic in BY_NAME.items()}
CONTROLS = "sms.dispatch-controls"
FINISH = {processor.process: processor.finish_batch for processor in PROCESSORS.values()}


def finished(
    process: Process, state: StateStore, now: datetime, settings: Settings
) -> StepResult | None:
    """What the room makes of a batch at its end, as the lane asks it: here a batch is one fact."""
    if state.pending is None or (finish := FINISH[process]) is None:
        return None
    step = finish(state, now, settings)
    state.pending = None
    return step


class Drive:
    """`published` and `effects` keep everything; `under_way` the effects that have no answer
    yet."""

    def __init__(
        self,
        process: Process,
        on_timer: OnTimer,
        entity_key: str,
        settings: Settings,
        *,
        raw: MutableMapping[str, bytes] | None = None,
    ) -> None:
        self.process, self.on_timer, self.settings, self.now = process, on_timer, settings, START
        self.state = StateStore(entity_key, raw)
        self.timers: dict[str, datetime] = {}
        self.published: list[Publication] = []
        self.calls: list[Any] = []
        self.withdrawn: set[Any] = set()
        self.under_way: list[Any] = []
        self._offsets = count()

    def tell(self, value: Message, *, offset: int | None = None) -> StepResult:
        place = next(self._offsets) if offset is None else offset
        record = InputRecord(
            value, _TOPICS.get(type(value), CONTROLS), 0, place, int(self.now.timestamp() * 1000)
        )
        return self._apply(self.process(self.state, record, self.now, self.settings))

    def answer(self, value: Message) -> StepResult:
        return self._apply(self.process(self.state, InputRecord(value), self.now, self.settings))

    def crash(self) -> StepResult:
        """The next owner has the rows and the wakes, and nothing else."""
        self.under_way.clear()
        self.state = StateStore(self.state.entity_key, dict(self.state.raw))
        return self.open() if self.state.raw else StepResult()

    def open(self) -> StepResult:
        return self._apply(
            self.process(self.state, InputRecord(PartitionAcquired()), self.now, self.settings)
        )

    def until(self, moment: datetime) -> None:
        while due := [(at, name) for name, at in self.timers.items() if at <= moment]:
            at, name = min(due)
            self.now = max(self.now, at)
            self.fire(name)
        self.now = moment

    def rest(self, seconds: float) -> None:
        self.until(self.now + timedelta(seconds=seconds))

    def fire(self, name: str) -> None:
        del self.timers[name]
        self._apply(self.on_timer(self.state, name, self.now, self.settings))

    def all(self, topic: Topic[Any]) -> list[Any]:
        return [value for carried, value in self.published if carried is topic]

    def _apply(self, step: StepResult) -> StepResult:
        self._write(step)
        last = finished(self.process, self.state, self.now, self.settings)
        if last is None:
            return step
        self._write(last)
        return StepResult(
            {**step.state, **last.state},
            (*step.publish, *last.publish),
            {**step.timers, **last.timers},
        )

    def _write(self, step: StepResult) -> None:
        for name, row in step.state.items():
            if row is None:
                self.state.raw.pop(name, None)
                self.timers.pop(name, None)
            else:
                self.state.raw[name] = dump(row)
                assert len(self.state.raw[name]) < 64 << 10
        for name, at in step.timers.items():
            self.timers.pop(name, None)
            if at is not None and name in self.state.raw:
                self.timers[name] = datetime.fromtimestamp(ceil(at.timestamp() * 1000) / 1000, UTC)
        for topic, value in step.publish:
            assert topic.decode(topic.encode(value)) == value
        self.published += step.publish
        self.withdrawn |= {
            effect.identity for effect in step.calls if isinstance(effect, CancelCall)
        }
        posts = [effect for effect in step.calls if not isinstance(effect, CancelCall)]
        self.calls += posts
        self.under_way += posts
