"""Restore the committed state of a worker's partitions, in bulk, and check that the inputs still
hold what comes next.

Theory of operation

Restoring begins after the partition's writer has fenced every earlier owner: only then can nothing
of an earlier owner still be committed.  The changelog is read to its end and gives state and
positions of one transaction.  Three checks follow, and the worker refuses to start if one fails:
the changelog is whole (`Damaged`), the number of partitions is the same (`Repartitioned`), and each
position still lies within its topic's log, of the very topic that was read (`DataLoss`; see
`topic_identity`).  Staff may accept a loss by name, as the
refusal words it.

Last, the ends of the priority topics become the barrier of each task: the runtime evaluates nothing
else until consent and controls are read to there.

This replaces Faust's table recovery (7,000 entries a second, and a race that seeks after it
resumes).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.partition.changelog import Damaged, DataLoss, LastRecord, Repartitioned
from streams.partition.task import PartitionTask
from streams.runtime.topic_identity import fetch_topic_ids, find_replaced

ID_DIGITS: Final = 8
"""Of a topic's id, in the name of a loss: what is accepted of this topic holds for no later one."""


class Gap(NamedTuple):
    """Records that are gone before they were read."""

    name: str
    """Topic, partition and the offset at which it goes on: staff name it to accept the loss.  For
    a topic that was created again, the beginning of its id too."""
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
        names = {topic.name for task in tasks for topic in task.processor.inputs}
        ids = await fetch_topic_ids(consumer._client, names)
        partitions = [
            TopicPartition(topic.name, task.partition)
            for task in tasks
            for topic in task.processor.inputs
        ]
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        # All at once: a consumer that is assigned anew while it fetches may never stop.
        replaced = await find_replaced(consumer, _last_records(tasks), starts, ends)
        refuse_gaps(
            [gap for task in tasks for gap in _check(task, starts, ends, ids, replaced, accepted)]
        )
    finally:
        await consumer.stop()


def _last_records(tasks: Sequence[PartitionTask]) -> dict[TopicPartition, LastRecord]:
    return {
        TopicPartition(name, task.partition): known.last
        for task in tasks
        for name, known in task.known_inputs.by_topic.items()
        if known.last is not None
    }


def _check(
    task: PartitionTask,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    ids: Mapping[str, str],
    replaced: Collection[TopicPartition],
    accepted: Collection[str],
) -> list[Gap]:
    """Check one task's positions, and set its barrier."""
    own_starts = {one.topic: start for one, start in starts.items() if one[1] == task.partition}
    own_ends = {one.topic: end for one, end in ends.items() if one[1] == task.partition}
    own_replaced = {one.topic for one in replaced if one[1] == task.partition}
    gaps = find_gaps(task, own_starts, own_ends, accepted, ids, own_replaced)
    task.note_topic_ids(ids)
    task.set_barrier({topic: end for topic, end in own_ends.items() if end > own_starts[topic]})
    return gaps


def find_gaps(
    task: PartitionTask,
    starts: Mapping[str, int],
    ends: Mapping[str, int],
    accepted: Collection[str],
    ids: Mapping[str, str] = MappingProxyType({}),
    replaced: Collection[str] = (),
) -> list[Gap]:
    """The task goes on behind gaps that are accepted; the others are returned.

    `ids`: the topics' ids now.  `replaced`: topics whose log holds other records than were read."""
    found = []
    recreated = task.known_inputs.find_recreated(ids, task.positions)
    for topic, start in starts.items():
        name = f"{topic}/{task.partition}@{start}"
        description: str | None
        if topic in recreated:
            at = task.positions[topic]
            description = (
                f"{topic} partition {task.partition} was deleted and created again: {at} was read "
                "of the topic before it"
            )
            name = f"{name}:{ids[topic][:ID_DIGITS]}"
        elif topic in replaced:
            description = (
                f"{topic} partition {task.partition} was cut and grew again: another record stands "
                "where the last one was read"
            )
        else:
            description = _describe_gap(topic, task, start, ends[topic])
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
        "the topic was cut or created again"
    )
