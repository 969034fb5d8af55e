"""A processor small enough to check by hand: it counts per key, says so, and wakes once after each
count.

Run as a process: `python -m tests.faults.counting --bootstrap B --prefix P --partitions N
--instance I`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import uuid
from datetime import datetime, timedelta
from typing import Any

from schemas.base import Message
from schemas.topics import DEAD_LETTERS, Topic
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
)
from streams.processor import Processor
from streams.runtime.faust_app import FaustApp
from streams.runtime.main import run
from streams.runtime.runner import Hooks
from streams.runtime.timing import RuntimeLimits

TIMER_AFTER = timedelta(milliseconds=150)


class Event(Message):
    key: str
    i: int


class Counted(Message):
    """`nonce` is new at each judgement: two of one event are two judgements that both came to
    light."""

    key: str
    i: int
    n: int
    nonce: str


class TimerFired(Message):
    key: str
    n: int
    nonce: str


class Count(StateEntry):
    n: int = 0
    total: int = 0
    first: int = 0


def topics(prefix: str) -> dict[str, Topic[Any]]:
    def topic(name: str, carries: Any, *, compacted: bool = False) -> Topic[Any]:
        return Topic(
            f"{prefix}.{name}",
            carries,
            lambda m: m.key,
            timedelta(days=1),
            "for a test",
            compacted=compacted,
        )

    return {
        "first": topic("first", Event),
        "then": topic("then", Event),
        "counted": topic("counted", Counted),
        "woken": topic("woken", TimerFired),
    }


def counting(prefix: str) -> Processor:
    t = topics(prefix)

    def process(
        state: StateStore, record: InputRecord, now: datetime, settings: Settings
    ) -> StepResult:
        if not isinstance(record.value, Event):
            return NO_CHANGE
        was = state.get("count", Count) or Count()
        first = record.topic == t["first"].name
        row = Count(n=was.n + 1, total=was.total + record.value.i, first=was.first + first)
        said = Counted(
            key=record.value.key,
            i=-record.value.i if first else record.value.i,
            n=row.n,
            nonce=uuid.uuid4().hex,
        )
        return StepResult(
            state={"count": row},
            publish=(Publication(t["counted"], said),),
            timers={"count": now + TIMER_AFTER},
        )

    def on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
        row = state.get("count", Count) or Count()
        return StepResult(
            publish=(
                Publication(
                    t["woken"], TimerFired(key=state.entity_key, n=row.n, nonce=uuid.uuid4().hex)
                ),
            )
        )

    return Processor(
        prefix,
        process=process,
        on_timer=on_timer,
        priority_topics=(t["first"],),
        topics=(t["then"],),
    )


def counts(prefix: str, partitions: int) -> dict[str, int]:
    named = {topic.name: partitions for topic in topics(prefix).values()}
    return {**named, counting(prefix).state_topic.name: partitions, DEAD_LETTERS.name: partitions}


async def _work(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pace = RuntimeLimits(session_timeout=given.session, transaction_timeout=8, call_timeout=2)
    hooks = Hooks(
        on_ready=lambda partitions: print("ready", partitions, flush=True),
        on_fatal=lambda error: os._exit(70),
    )
    host = FaustApp(
        counting(given.prefix),
        given.bootstrap,
        counts(given.prefix, given.partitions),
        hooks,
        limits=pace,
        instance=given.instance,
    )
    await run(host, stop)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--session", type=float, default=2.0)
    parser.add_argument("--instance")
    asyncio.run(_work(parser.parse_args()))


if __name__ == "__main__":
    main()
