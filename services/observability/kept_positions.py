"""What processors keep beside their positions, read from the ends of their state topics.

A worker writes its positions last in every transaction, so they are the last record but for the
transaction's marker.  They say which topic was read (its id, and the last record), and where a
topic stands still.  The groups' offsets say neither, and are deleted with a topic.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.observability.lag_report import GroupPartition
from streams.partition.changelog import (
    POSITIONS,
    InputTopic,
    decode_inputs,
    decode_standstills,
)
from streams.partition.dlq_limit import Standstill, describe_remedy, standstill_name
from streams.runtime.topic_identity import fetch_topic_ids, find_replaced

BEHIND_END: Final = (2, 100, 10_000)
"""Offsets before the end at which to look: markers of aborted transactions may lie behind."""
TIMEOUT: Final = 5.0
"""Seconds for all that is read here."""


class KeptPositions(NamedTuple):
    """Of one partition of a processor."""

    positions: Mapping[str, int]
    inputs: Mapping[str, InputTopic]
    standstills: Mapping[str, Standstill]


async def find_problems(
    reader: AIOKafkaConsumer, partitions: Collection[GroupPartition]
) -> dict[GroupPartition, str]:
    """What is wrong with a partition that its offsets do not show.

    Empty where state topics cannot be read: whoever looks may not be allowed to."""
    found: dict[GroupPartition, str] = {}
    try:
        async with asyncio.timeout(TIMEOUT):
            names = {name for one in partitions for name in (one.topic, f"{one.group}.rows")}
            ids = await fetch_topic_ids(reader._client, names)
            # Of a topic that does not exist aiokafka waits for the end in vain.
            exist = {one for one in partitions if f"{one.group}.rows" in ids}
            kept = await _read(reader, {(one.group, one.partition) for one in exist})
            found |= dict(_find_standstills(kept))
            found |= dict(_find_recreated(kept, ids))
            found |= {
                one: "its log was cut and grew again: another record stands where the last was read"
                for one in await _find_replaced(reader, kept)
                if one not in found
            }
    except (TimeoutError, KafkaError, ValueError, KeyError, TypeError):
        pass  # state of another version, or not ours
    return {one: words for one, words in found.items() if one in set(partitions)}


async def _read(
    reader: AIOKafkaConsumer, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], KeptPositions]:
    places = {TopicPartition(f"{group}.rows", part): (group, part) for group, part in wanted}
    ends = await reader.end_offsets(list(places))
    starts = await reader.beginning_offsets(list(places))
    found: dict[tuple[str, int], KeptPositions] = {}
    left = {one for one in places if ends[one] > starts[one]}
    for back in BEHIND_END:
        tails = await _read_tails(reader, {one: max(starts[one], ends[one] - back) for one in left})
        found |= {places[one]: kept for one, kept in tails.items()}
        left -= set(tails)
        if not left:
            break
    return found


async def _read_tails(
    reader: AIOKafkaConsumer, begin: Mapping[TopicPartition, int]
) -> dict[TopicPartition, KeptPositions]:
    reader.assign(list(begin))
    ends = await reader.end_offsets(list(begin))
    for one, offset in begin.items():
        reader.seek(one, offset)
    values: dict[TopicPartition, bytes] = {}
    left = set(begin)
    while left:
        for one, records in (await reader.getmany(*left, timeout_ms=200)).items():
            for record in records:
                if record.key == POSITIONS and record.value is not None:
                    values[one] = record.value
        left = {one for one in left if await reader.position(one) < ends[one]}
    return {one: _decode(value) for one, value in values.items()}


def _decode(value: bytes) -> KeptPositions:
    fields = json.loads(value)
    return KeptPositions(fields["positions"], decode_inputs(fields), decode_standstills(fields))


def _find_recreated(
    kept: Mapping[tuple[str, int], KeptPositions], ids: Mapping[str, str]
) -> Iterator[tuple[GroupPartition, str]]:
    for (group, partition), one in kept.items():
        for topic, known in one.inputs.items():
            at = one.positions.get(topic)
            now = ids.get(topic)
            if at and now and known.topic_id and known.topic_id != now:
                words = f"it was deleted and created again: {at:,} was read of the topic before it"
                yield GroupPartition(group, topic, partition), words


def _find_standstills(
    kept: Mapping[tuple[str, int], KeptPositions],
) -> Iterator[tuple[GroupPartition, str]]:
    for (group, partition), one in kept.items():
        for topic, standstill in one.standstills.items():
            remedy = describe_remedy(standstill_name(topic, partition, standstill))
            yield GroupPartition(group, topic, partition), f"{standstill.describe()}; {remedy}"


async def _find_replaced(
    reader: AIOKafkaConsumer, kept: Mapping[tuple[str, int], KeptPositions]
) -> set[GroupPartition]:
    groups = {
        TopicPartition(topic, partition): (GroupPartition(group, topic, partition), known.last)
        for (group, partition), one in kept.items()
        for topic, known in one.inputs.items()
        if known.last is not None
    }
    lasts = {place: last for place, (_, last) in groups.items() if last is not None}
    starts = await reader.beginning_offsets(list(lasts))
    ends = await reader.end_offsets(list(lasts))
    return {groups[place][0] for place in await find_replaced(reader, lasts, starts, ends)}
