"""The plain job through the kit with every promise on: typed in and out, one transaction a partition and batch."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from schemas.base import Message, Slug, UtcTime, Whole
from schemas.structs import struct
from schemas.topics import DEAD_LETTERS, Topic
from streams.kit.host import Host
from streams.kit.run import run
from streams.room import Room
from streams.step import Fact, Publication, Row, Rows, Settings, Step
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


class Count(Row):
    n: int = 0
    total: int = 0


def counting(given: Told) -> Room:
    day = timedelta(days=1)
    source = Topic[Event](given.source, Event, lambda m: m.key, day, "what happened")
    output = Topic[Counted](given.output, Counted, lambda m: m.key, day, "how often")

    def fold(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
        event: Event = fact.value
        was = rows.get("", Count) or Count()
        row = Count(n=was.n + 1, total=was.total + event.i)
        return Step({"": row}, (Publication(output, Counted(key=event.key, i=event.i, n=row.n)),))

    return Room(given.name, fold=fold, then=(source,))


async def work(room: Room, given: Told) -> None:
    names = (given.source, given.output, room.rows.name, DEAD_LETTERS.name)
    host = Host(
        room, given.bootstrap, dict.fromkeys(names, given.partitions), datadir=str(given.folder)
    )
    await run(host, asyncio.Event())


if __name__ == "__main__":
    given = told()
    asyncio.run(work(counting(given), given))
