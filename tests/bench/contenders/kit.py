"""The plain job through the kit with every promise on: typed in and out, one transaction a
partition and batch."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.structs import struct
from schemas.topics import DEAD_LETTERS, Topic
from streams.processing import (
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
from tests.bench.contenders.options import Told, told


@struct
class Event(Message):
    key: str
    i: Whole
    tenant: Slug
    at: UtcTime
    body: str


@struct
class Counted(Message):
    key: str
    i: int
    n: int


class Count(StateEntry):
    n: int = 0
    total: int = 0


def counting(given: Told) -> Processor:
    day = timedelta(days=1)
    source = Topic[Event](given.source, Event, lambda m: m.key, day, "what happened")
    output = Topic[Counted](given.output, Counted, lambda m: m.key, day, "how often")

    def process(
        state: StateStore, record: InputRecord, now: datetime, settings: Settings
    ) -> StepResult:
        event: Event = record.value
        was = state.get("", Count) or Count()
        row = Count(n=was.n + 1, total=was.total + event.i)
        return StepResult(
            {"": row}, (Publication(output, Counted(key=event.key, i=event.i, n=row.n)),)
        )

    return Processor(given.name, process=process, topics=(source,))


async def work(room: Processor, given: Told) -> None:
    names = (given.source, given.output, room.state_topic.name, DEAD_LETTERS.name)
    host = FaustApp(
        room, given.bootstrap, dict.fromkeys(names, given.partitions), datadir=str(given.folder)
    )
    await run(host, asyncio.Event())


if __name__ == "__main__":
    given = told()
    asyncio.run(work(counting(given), given))
