"""Records of one topic as they stand there: the last ones, or all between two offsets."""

from __future__ import annotations

import difflib

from schemas.topics import BY_NAME
from services.ledger.projection import Partition, Record
from services.ledger.topic_reader import TopicReader
from services.operations.errors import InvalidRequest


def find_topic(name: str) -> str:
    """With or without its `sms.`.  Raises InvalidRequest, with the nearest names."""
    for topic in (name, f"sms.{name}"):
        if topic in BY_NAME:
            return topic
    short = [topic.removeprefix("sms.") for topic in BY_NAME]
    near = difflib.get_close_matches(name.removeprefix("sms."), short, 3, 0.4) or short
    raise InvalidRequest(
        f"There is no topic {name!r}; is it {', '.join(near[:-1])}{' or ' * bool(near[:-1])}{near[-1]}?"
    )


async def read_last(source: TopicReader, count: int) -> list[Record]:
    """Oldest first.  Leaves the source at the ends that it saw.

    Transaction markers take offsets and compaction leaves gaps: look further back until there are enough."""
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
    """From `begin` on, without what came behind `ends`."""
    source.seek(begin)
    reached = dict(begin)
    found: list[Record] = []
    while any(reached[place] < end for place, end in ends.items()):
        entries, reached = await source.batch(0.05)
        found += [entry for entry in entries if entry.offset < ends[entry.partition]]
    return found
