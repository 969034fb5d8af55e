"""Bring a lane's committed rows back, in bulk.

Stands in for Faust's table recovery (7 k rows/s, and a race that seeks after it resumes).  To be called after the lane
is fenced: only then does nothing of an earlier owner stand open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.partition.changelog import Damaged, Repartitioned
from streams.partition.data_loss import Gap, gaps, refuse
from streams.partition.task import PartitionTask


async def restore(
    bootstrap: str,
    tasks: Sequence[PartitionTask],
    wanted: Callable[[], bool],
    accepted: Collection[str] = (),
    **auth: Any,
) -> int:
    """Rows read; gives up early once `wanted` answers False (the next rebalance is already here).  `accepted`: losses
    that somebody has seen, as the refusal names them: topic, partition and the offset at which it goes on.

    Raises Damaged, or Loss where a source's log was cut off before or behind the committed position."""
    if not tasks:
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
        read = await _read(consumer, tasks, wanted)
    finally:
        await consumer.stop()
    if wanted():
        await _check_and_bar(bootstrap, tasks, accepted, **auth)
    return read


async def _read(
    consumer: AIOKafkaConsumer, tasks: Sequence[PartitionTask], wanted: Callable[[], bool]
) -> int:
    buffers: dict[Any, dict[bytes, bytes | None]] = {
        TopicPartition(task.processor.state_topic.name, task.partition): {} for task in tasks
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
        for task, items in zip(tasks, buffers.values(), strict=True):
            _refill(task, items.items())
    return read


def _refill(task: PartitionTask, items: Iterable[tuple[bytes, bytes | None]]) -> None:
    try:
        task.restore(items)
    except Damaged as error:
        why = "" if isinstance(error, Repartitioned) else "; it was cut or deleted"
        raise Damaged(
            f"{task.processor.state_topic.name} partition {task.partition}: {error}{why}"
        ) from None


async def _check_and_bar(
    bootstrap: str, tasks: Sequence[PartitionTask], accepted: Collection[str], **auth: Any
) -> None:
    """Positions must still be in the logs; and note how far consent has to be read before anything is judged: to what
    has been acknowledged, also behind a transaction that somebody left open."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **auth)
    await consumer.start()
    try:
        refuse([gap for task in tasks for gap in await _check(consumer, task, accepted)])
    finally:
        await consumer.stop()


async def _check(
    consumer: AIOKafkaConsumer, task: PartitionTask, accepted: Collection[str]
) -> list[Gap]:
    places = [TopicPartition(topic.name, task.partition) for topic in task.processor.inputs]
    ends = {place.topic: end for place, end in (await consumer.end_offsets(places)).items()}
    starts = {
        place.topic: start for place, start in (await consumer.beginning_offsets(places)).items()
    }
    lost = gaps(task, starts, ends, accepted)
    task.set_barrier({topic: end for topic, end in ends.items() if end > starts[topic]})
    return lost
