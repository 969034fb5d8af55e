"""Restore the committed state of a worker's partitions, in bulk, and check that the inputs still
hold what comes next.

Theory of operation

Restoring begins after the partition's writer has fenced every earlier owner: only then can nothing
of an earlier owner still be committed.  The changelog is read to its end and gives state and
positions of one transaction.  Three checks follow, and the worker refuses to start if one fails:
the changelog is whole (`Damaged`), the number of partitions is the same (`Repartitioned`), and each
position still lies within its topic's log (`DataLoss`).  Staff may accept a loss by name, as the
refusal words it.

Last, the ends of the priority topics become the barrier of each task: the runtime evaluates nothing
else until consent and controls are read to there.

This replaces Faust's table recovery (7,000 entries a second, and a race that seeks after it
resumes).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.partition.changelog import Damaged, DataLoss, Repartitioned
from streams.partition.task import PartitionTask


class Gap(NamedTuple):
    """Records that are gone before they were read."""

    name: str
    """Topic, partition and the offset at which it goes on: staff name it to accept the loss."""
    description: str


async def restore(
    bootstrap: str,
    tasks: Sequence[PartitionTask],
    wanted: Callable[[], bool],
    accepted: Collection[str] = (),
    **auth: Any,
) -> int:
    """How many changelog records were read.  Gives up early once `wanted` is False: the next
    rebalance is here.

    `accepted`: names of losses (`Gap.name`) that staff accept.  Raises Damaged, or DataLoss where
    an input's log no longer holds the committed position."""
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
        read = await _read_changelogs(consumer, tasks, wanted)
    finally:
        await consumer.stop()
    if wanted():
        await _check_positions(bootstrap, tasks, accepted, **auth)
    return read


async def _read_changelogs(
    consumer: AIOKafkaConsumer, tasks: Sequence[PartitionTask], wanted: Callable[[], bool]
) -> int:
    buffers: dict[Any, dict[bytes, bytes | None]] = {
        TopicPartition(task.processor.state_topic.name, task.partition): {} for task in tasks
    }
    consumer.assign(list(buffers))
    ends = await consumer.end_offsets(list(buffers))
    starts = await consumer.beginning_offsets(list(buffers))
    for partition in buffers:
        consumer.seek(partition, starts[partition])
    read = 0
    left = {partition for partition in buffers if ends[partition] > starts[partition]}
    while left and wanted():
        for partition, records in (await consumer.getmany(*left, timeout_ms=300)).items():
            read += len(records)
            buffers[partition].update((record.key, record.value) for record in records)
        left = {
            partition for partition in left if await consumer.position(partition) < ends[partition]
        }
    if wanted():
        for task, items in zip(tasks, buffers.values(), strict=True):
            _restore_task(task, items.items())
    return read


def _restore_task(task: PartitionTask, items: Iterable[tuple[bytes, bytes | None]]) -> None:
    try:
        task.restore(items)
    except Damaged as error:
        why = "" if isinstance(error, Repartitioned) else "; it was cut or deleted"
        raise Damaged(
            f"{task.processor.state_topic.name} partition {task.partition}: {error}{why}"
        ) from None


async def _check_positions(
    bootstrap: str, tasks: Sequence[PartitionTask], accepted: Collection[str], **auth: Any
) -> None:
    """Check the positions, and set the barriers: to all that was acknowledged, also behind a
    transaction that somebody left open (so this consumer reads uncommitted records)."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **auth)
    await consumer.start()
    try:
        refuse_gaps([gap for task in tasks for gap in await _check(consumer, task, accepted)])
    finally:
        await consumer.stop()


async def _check(
    consumer: AIOKafkaConsumer, task: PartitionTask, accepted: Collection[str]
) -> list[Gap]:
    partitions = [TopicPartition(topic.name, task.partition) for topic in task.processor.inputs]
    ends = {
        partition.topic: end for partition, end in (await consumer.end_offsets(partitions)).items()
    }
    starts = {
        partition.topic: start
        for partition, start in (await consumer.beginning_offsets(partitions)).items()
    }
    gaps = find_gaps(task, starts, ends, accepted)
    task.set_barrier({topic: end for topic, end in ends.items() if end > starts[topic]})
    return gaps


def find_gaps(
    task: PartitionTask,
    starts: Mapping[str, int],
    ends: Mapping[str, int],
    accepted: Collection[str],
) -> list[Gap]:
    """The task goes on behind gaps that are accepted; the others are returned."""
    found = []
    for topic, start in starts.items():
        description = _describe_gap(topic, task, start, ends[topic])
        name = f"{topic}/{task.partition}@{start}"
        if description and name in accepted:
            task.skip_to(topic, start)
        elif description:
            found.append(Gap(name, description))
    return found


def refuse_gaps(gaps: Collection[Gap]) -> None:
    """Raises DataLoss, if there is one."""
    names = ",".join(dict.fromkeys(gap.name for gap in gaps))
    if names:
        found = "; ".join(gap.description for gap in gaps)
        raise DataLoss(
            f"{found}. Once that is seen to, start with SAYSO_ACCEPT_LOSS={names} to go on with "
            "what is there"
        )


def _describe_gap(topic: str, task: PartitionTask, start: int, end: int) -> str | None:
    at = task.positions.get(topic)
    if at is None or start <= at <= end:
        return None
    if at < start:
        return (
            f"{topic} partition {task.partition} begins at {start}, but only {at} was read: "
            f"{start - at} records are gone by retention"
        )
    return (
        f"{topic} partition {task.partition} ends at {end}, but {at} was read: "
        "the topic was cut or made anew"
    )
