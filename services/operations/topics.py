"""The topics on Kafka: how many partitions they get, and how to read their records."""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from typing import NamedTuple

from schemas.topics import BY_NAME, EVERY_TOPIC
from services.kafka.admin import admin_client
from services.kafka.topics import describe
from services.ledger.projection import Partition, Record
from services.ledger.topic_reader import TopicReader
from services.operations.errors import InvalidRequest

SAFE = 3
"""Replicas of each topic on a cluster that has as many brokers."""


class Layout(NamedTuple):
    partitions: int
    replication: int


EMBEDDED = 1
"""Partitions there: one worker per processor runs, and each partition costs it transactions and
fetches of its own."""


async def choose_layout(bootstrap: str, *, embedded: bool, partitions: int | None = None) -> Layout:
    """Arguments and SAYSO_PARTITIONS or SAYSO_REPLICATION come before the defaults.

    Raises BrokerError and InvalidRequest."""
    set_partitions = _read_number("SAYSO_PARTITIONS")
    set_replication = _read_number("SAYSO_REPLICATION")
    layout = Layout(EMBEDDED if embedded else 12, min(SAFE, await _brokers(bootstrap)))
    count = partitions or set_partitions or await _existing(bootstrap) or layout.partitions
    return Layout(count, set_replication or layout.replication)


async def _existing(bootstrap: str) -> int:
    """How many partitions most of our topics have; 0 if there are none.

    A topic that a new version adds needs as many: a processor's topics are partitioned alike."""
    several = [topic for topic in EVERY_TOPIC if not topic.single]
    counts = Counter(topic.partitions for topic in await describe(bootstrap, several))
    return counts.most_common(1)[0][0] if counts else 0


async def _brokers(bootstrap: str) -> int:
    async with admin_client(bootstrap) as client:
        return len((await client.describe_cluster())["brokers"])


def _read_number(name: str) -> int:
    """0 if it is not set.  Raises InvalidRequest."""
    written = os.environ.get(name, "").strip()
    if not written:
        return 0
    if re.fullmatch(r"0*[1-9][0-9]{0,5}", written) is None:
        raise InvalidRequest(f"{name} is {written!r}: set a whole number from 1 on, or nothing.")
    return int(written)


def find_topic(name: str) -> str:
    """The full name of a topic, given with or without `sms.`.  Raises InvalidRequest."""
    for topic in (name, f"sms.{name}"):
        if topic in BY_NAME:
            return topic
    short = [topic.removeprefix("sms.") for topic in BY_NAME]
    near = difflib.get_close_matches(name.removeprefix("sms."), short, 3, 0.4) or short
    names = " or ".join(filter(None, (", ".join(near[:-1]), near[-1])))
    raise InvalidRequest(f"There is no topic {name!r}; is it {names}?")


async def read_last(source: TopicReader, count: int) -> list[Record]:
    """Read the last records, oldest first, and leave the source at the ends that it saw.

    Transaction markers take offsets and compaction leaves gaps, so it looks further back until
    there are enough."""
    starts = await source.starts()
    ends = await source.ends()
    back = 2 * count + 2
    while count:
        begin = {place: max(starts[place], end - back) for place, end in ends.items()}
        found = await read_between(source, begin, ends)
        if len(found) >= count or begin == starts:
            source.seek(ends)
            return sorted(found, key=lambda entry: (entry.at_ms, entry.offset))[-count:]
        back *= 8
    source.seek(ends)
    return []


async def read_between(
    source: TopicReader, begin: dict[Partition, int], ends: dict[Partition, int]
) -> list[Record]:
    """Read from `begin` to `ends`, and nothing that came later."""
    source.seek(begin)
    reached = dict(begin)
    found: list[Record] = []
    while any(reached[place] < end for place, end in ends.items()):
        entries, reached = await source.batch(0.05)
        found += [entry for entry in entries if entry.offset < ends[entry.partition]]
    return found
