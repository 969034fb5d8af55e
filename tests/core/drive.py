"""A room's family as the kit runs it, under a virtual clock and with effects: rows go through JSON, wakes fire once and
to the millisecond, an effect is handed out after its step, and a crash loses memory and whatever was under way."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil
from typing import Any

from schemas.base import Message
from schemas.topics import BY_NAME, Topic
from streams.apps import ROOMS
from streams.row import dump
from streams.step import Fact, Fold, Opened, Publication, Rows, Settings, Step, Withdraw, Woke

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

_TOPICS = {topic.carries: name for name, topic in BY_NAME.items()}
CONTROLS = "sms.dispatch-controls"
FINISH = {room.fold: room.finish for room in ROOMS.values()}


def finished(fold: Fold, rows: Rows, now: datetime, settings: Settings) -> Step | None:
    """What the room makes of a batch at its end, as the lane asks it: here a batch is one fact."""
    if rows.pending is None or (finish := FINISH[fold]) is None:
        return None
    step = finish(rows, now, settings)
    rows.pending = None
    return step


class Drive:
    """`published` and `effects` keep everything; `under_way` the effects that have no answer yet."""

    def __init__(
        self,
        fold: Fold,
        woke: Woke,
        family: str,
        settings: Settings,
        *,
        raw: MutableMapping[str, bytes] | None = None,
    ) -> None:
        self.fold, self.woke, self.settings, self.now = fold, woke, settings, START
        self.rows = Rows(family, raw)
        self.wakes: dict[str, datetime] = {}
        self.published: list[Publication] = []
        self.effects: list[Any] = []
        self.withdrawn: set[Any] = set()
        self.under_way: list[Any] = []
        self._offsets = count()

    def tell(self, value: Message, *, offset: int | None = None) -> Step:
        place = next(self._offsets) if offset is None else offset
        fact = Fact(
            value, _TOPICS.get(type(value), CONTROLS), 0, place, int(self.now.timestamp() * 1000)
        )
        return self._apply(self.fold(self.rows, fact, self.now, self.settings))

    def answer(self, value: Message) -> Step:
        return self._apply(self.fold(self.rows, Fact(value), self.now, self.settings))

    def crash(self) -> Step:
        """The next owner has the rows and the wakes, and nothing else."""
        self.under_way.clear()
        self.rows = Rows(self.rows.family, dict(self.rows.raw))
        return self.open() if self.rows.raw else Step()

    def open(self) -> Step:
        return self._apply(self.fold(self.rows, Fact(Opened()), self.now, self.settings))

    def until(self, moment: datetime) -> None:
        while due := [(at, name) for name, at in self.wakes.items() if at <= moment]:
            at, name = min(due)
            self.now = max(self.now, at)
            self.wake(name)
        self.now = moment

    def rest(self, seconds: float) -> None:
        self.until(self.now + timedelta(seconds=seconds))

    def wake(self, name: str) -> None:
        del self.wakes[name]
        self._apply(self.woke(self.rows, name, self.now, self.settings))

    def all(self, topic: Topic[Any]) -> list[Any]:
        return [value for carried, value in self.published if carried is topic]

    def _apply(self, step: Step) -> Step:
        self._write(step)
        last = finished(self.fold, self.rows, self.now, self.settings)
        if last is None:
            return step
        self._write(last)
        return Step(
            {**step.rows, **last.rows}, (*step.publish, *last.publish), {**step.wake, **last.wake}
        )

    def _write(self, step: Step) -> None:
        for name, row in step.rows.items():
            if row is None:
                self.rows.raw.pop(name, None)
                self.wakes.pop(name, None)
            else:
                self.rows.raw[name] = dump(row)
                assert len(self.rows.raw[name]) < 64 << 10
        for name, at in step.wake.items():
            self.wakes.pop(name, None)
            if at is not None and name in self.rows.raw:
                self.wakes[name] = datetime.fromtimestamp(ceil(at.timestamp() * 1000) / 1000, UTC)
        for topic, value in step.publish:
            assert topic.decode(topic.encode(value)) == value
        self.published += step.publish
        self.withdrawn |= {
            effect.identity for effect in step.effects if isinstance(effect, Withdraw)
        }
        posts = [effect for effect in step.effects if not isinstance(effect, Withdraw)]
        self.effects += posts
        self.under_way += posts
