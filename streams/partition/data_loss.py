"""What is to be read next is gone, by retention or because a topic was cut: stepped over only if somebody says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from streams.partition.changelog import Damaged
from streams.partition.task import PartitionTask


class DataLoss(Damaged):
    """The log no longer holds what a position points at."""


class Gap(NamedTuple):
    """`name`: topic, partition and the offset at which it goes on; who accepts the loss says it."""

    name: str
    words: str


def gaps(
    task: PartitionTask,
    starts: Mapping[str, int],
    ends: Mapping[str, int],
    accepted: Collection[str],
) -> list[Gap]:
    """Behind those that are accepted the lane goes on; the others are answered."""
    found = []
    for topic, start in starts.items():
        words = _words(topic, task, start, ends[topic])
        name = f"{topic}/{task.partition}@{start}"
        if words and name in accepted:
            task.skip_to(topic, start)
        elif words:
            found.append(Gap(name, words))
    return found


def refuse(found: Collection[Gap]) -> None:
    """Raises Loss, if there is one."""
    names = ",".join(dict.fromkeys(gap.name for gap in found))
    if names:
        says = "; ".join(gap.words for gap in found)
        raise DataLoss(
            f"{says}. Once that is seen to, start with SAYSO_ACCEPT_LOSS={names} to go on with what is there"
        )


def _words(topic: str, task: PartitionTask, start: int, end: int) -> str | None:
    at = task.positions.get(topic)
    if at is None or start <= at <= end:
        return None
    if at < start:
        return (
            f"{topic} partition {task.partition} begins at {start}, but only {at} was read: "
            f"{start - at} records are gone by retention"
        )
    return f"{topic} partition {task.partition} ends at {end}, but {at} was read: the topic was cut or made anew"
