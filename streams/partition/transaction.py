"""What one batch makes durable."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from schemas.base import Message
from schemas.topics import Topic
from streams.processing import StateStore


@dataclass(slots=True)
class CallResult:
    """What came of an effect, for the family that asked for it."""

    entity_key: str
    value: Message


Place = tuple[str, int]
"""Topic and partition."""
Contents = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value, headers."""


class Outgoing(NamedTuple):
    """One record, and the partition that its key calls for."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Transaction:
    """Everything one batch makes durable together, or not at all.

    `places`: what goes out, by topic and partition, `sent` records in all; `told` the same as messages, and `dead` how
    many of them are dead letters, those of replays aside.  `dirty`: the rows it leaves, by family and name.  `effects`
    may begin once it is committed.  `stepped`: where the consumer stands behind the last fact and the markers of
    transactions; else retention that takes those too would look like a loss.  `unfinished`: families for which
    `Room.finish` is still to be called.  `chains`: wakes that what it judges makes `due` at once may fire in it too."""

    now: datetime
    serial: int
    work: deque[Any]
    positions: dict[str, int]
    outgoing: dict[Place, list[Contents]] = field(default_factory=dict)
    outgoing_count: int = 0
    dirty: dict[tuple[str, str], StateStore] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    consumer_positions: dict[str, int] = field(default_factory=dict)
    record_count: int = 0
    timer_count: int = 0
    dead_letter_count: int = 0
    publications: list[tuple[Topic[Any], Message]] = field(default_factory=list)
    unfinished: dict[str, StateStore] = field(default_factory=dict)
    fires_due_timers: bool = False
    due_timers: list[bytes] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (
            self.record_count
            or self.timer_count
            or self.consumer_positions
            or self.outgoing
            or self.dirty
        )

    @property
    def outgoing_records(self) -> list[Outgoing]:
        """What goes out, one by one; in order within a partition."""
        return [
            Outgoing(topic, partition, key, value, headers)
            for (topic, partition), there in self.outgoing.items()
            for key, value, headers in there
        ]
