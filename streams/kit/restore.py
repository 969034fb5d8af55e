"""Bring a lane's committed rows back, in bulk.

Stands in for Faust's table recovery (7 k rows/s, and a race that seeks after it resumes).  To be called after the lane
is fenced: only then does nothing of an earlier owner stand open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.lanes.changelog import Damaged, Repartitioned
from streams.lanes.lane import Lane
from streams.lanes.loss import Gap, gaps, refuse


async def restore(
    bootstrap: str,
    lanes: Sequence[Lane],
    wanted: Callable[[], bool],
    accepted: Collection[str] = (),
    **auth: Any,
) -> int:
    """Rows read; gives up early once `wanted` answers False (the next rebalance is already here).  `accepted`: losses
    that somebody has seen, as the refusal names them: topic, partition and the offset at which it goes on.

    Raises Damaged, or Loss where a source's log was cut off before or behind the committed position."""
    if not lanes:
        return 0
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
        fetch_max_bytes=32 << 20,
        fetch_max_wait_ms=50,
        **auth,
    )
    await consumer.start()
    try:
        read = await _read(consumer, lanes, wanted)
    finally:
        await consumer.stop()
    if wanted():
        await _check_and_bar(bootstrap, lanes, accepted, **auth)
    return read


async def _read(
    consumer: AIOKafkaConsumer, lanes: Sequence[Lane], wanted: Callable[[], bool]
) -> int:
    buffers: dict[Any, dict[bytes, bytes | None]] = {
        TopicPartition(lane.room.rows.name, lane.partition): {} for lane in lanes
    }
    consumer.assign(list(buffers))
    ends, starts = (
        await consumer.end_offsets(list(buffers)),
        await consumer.beginning_offsets(list(buffers)),
    )
    for place in buffers:
        consumer.seek(place, starts[place])
    read, left = 0, {place for place in buffers if ends[place] > starts[place]}
    while left and wanted():
        for place, records in (await consumer.getmany(*left, timeout_ms=300)).items():
            read += len(records)
            buffers[place].update((record.key, record.value) for record in records)
        left = {place for place in left if await consumer.position(place) < ends[place]}
    if wanted():
        for lane, items in zip(lanes, buffers.values(), strict=True):
            _refill(lane, items.items())
    return read


def _refill(lane: Lane, items: Iterable[tuple[bytes, bytes | None]]) -> None:
    try:
        lane.restore(items)
    except Damaged as error:
        why = "" if isinstance(error, Repartitioned) else "; it was cut or deleted"
        raise Damaged(f"{lane.room.rows.name} partition {lane.partition}: {error}{why}") from None


async def _check_and_bar(
    bootstrap: str, lanes: Sequence[Lane], accepted: Collection[str], **auth: Any
) -> None:
    """Positions must still be in the logs; and note how far consent has to be read before anything is judged: to what
    has been acknowledged, also behind a transaction that somebody left open."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **auth)
    await consumer.start()
    try:
        refuse([gap for lane in lanes for gap in await _check(consumer, lane, accepted)])
    finally:
        await consumer.stop()


async def _check(consumer: AIOKafkaConsumer, lane: Lane, accepted: Collection[str]) -> list[Gap]:
    places = [TopicPartition(topic.name, lane.partition) for topic in lane.room.reads]
    ends = {place.topic: end for place, end in (await consumer.end_offsets(places)).items()}
    starts = {
        place.topic: start for place, start in (await consumer.beginning_offsets(places)).items()
    }
    lost = gaps(lane, starts, ends, accepted)
    lane.bar({topic: end for topic, end in ends.items() if end > starts[topic]})
    return lost
