"""Restore: the rows of a gate, as a new owner of four partitions gets them back.

Run as a process, so that a million rows leave no trace in the next bench:
`python -m tests.bench.restoring --bootstrap B --name N --rows R` prints the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from schemas.consent import ConsentEvent, ConsentState
from schemas.topics import Topic
from streams.gate import gate
from streams.gate.state import NumberState
from streams.partition import changelog
from streams.partition.decoding import partition_of
from streams.partition.task import PartitionTask
from streams.processor import Processor
from streams.runtime.restore import restore
from tests.bench import people
from tests.bench.feed import Placed, drop_topics, make_topics, publish
from tests.bench.job import PARTITIONS
from tests.bench.process import PYTHON, last_words, running


def room_of(name: str) -> Processor:
    events = Topic[ConsentEvent](
        f"{name}.events", ConsentEvent, lambda m: m.number_key, timedelta(days=1), "none"
    )
    return Processor(name, process=gate, topics=(events,))


def rows(count: int) -> Iterator[tuple[bytes, bytes]]:
    """As many numbers, each of which has opted in and was texted."""
    for i in range(count):
        row = NumberState(
            state=ConsentState.OPTED_IN,
            epoch=1,
            since_ms=1_750_000_000_000 + i,
            source="form",
            senders=(people.SENDER.sender,),
            sender=people.SENDER.sender,
            region="US",
            checked_by="9.0.40",
        )
        yield (
            changelog.join_key(f"{people.TENANT.tenant}/+1212{i:07}", ""),
            changelog.pack_value(0, changelog.encode_entry(row)),
        )


async def write(bootstrap: str, room: Processor, count: int) -> None:
    """Each row where its family belongs, and the positions that count them."""
    noted: Counter[int] = Counter()

    def placed() -> Iterator[Placed]:
        for key, value in rows(count):
            place = partition_of(key.partition(b"\0")[0], PARTITIONS)
            noted[place] += 1
            yield place, key, value
        for place in range(PARTITIONS):
            yield place, changelog.POSITIONS, changelog.encode_positions({}, noted[place], 1)

    await publish(bootstrap, room.state_topic.name, placed())


async def seconds(bootstrap: str, name: str, wanted: int) -> float:
    room = room_of(name)
    lanes = [
        PartitionTask(room, place, {topic.name: PARTITIONS for topic in room.inputs})
        for place in range(PARTITIONS)
    ]
    began = time.perf_counter()
    await restore(bootstrap, lanes, lambda: True)
    took = time.perf_counter() - began
    if (found := sum(lane.entry_count for lane in lanes)) != wanted:
        raise ValueError(f"{found} rows were restored, {wanted} were written")
    return took


async def runs(bootstrap: str, count: int, times: int) -> list[float]:
    """Rows a second, run by run.  Raises Ended."""
    name = f"bench.restore.{uuid.uuid4().hex[:8]}"
    room = room_of(name)
    await make_topics(bootstrap, PARTITIONS, f"{name}.events")
    await make_topics(bootstrap, PARTITIONS, room.state_topic.name, cleanup_policy="compact")
    await write(bootstrap, room, count)
    rates = [count / await _apart(bootstrap, name, count) for _ in range(times)]
    await drop_topics(bootstrap, [room.state_topic.name, f"{name}.events"])
    return rates


async def _apart(bootstrap: str, name: str, count: int) -> float:
    command = [
        PYTHON,
        "-m",
        "tests.bench.restoring",
        "--bootstrap",
        bootstrap,
        "--name",
        name,
        "--rows",
        str(count),
    ]
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        async with running(command, Path(folder)) as process:
            await process.wait()
        return float(last_words(Path(folder) / "log"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--rows", type=int, required=True)
    given = parser.parse_args()
    print(asyncio.run(seconds(given.bootstrap, given.name, given.rows)))


if __name__ == "__main__":
    main()
