"""A room, as the kit runs it and the simulation replays it: a name, what it reads, and its fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from schemas.topics import DEAD_LETTERS, Topic, state_topic
from streams.processing import FinishBatch, OnTimer, Process


class Batching(NamedTuple):
    """How long a room may let work come together: what one transaction costs does not depend on what is in it.

    `tick`: seconds from the begin of one transaction of a lane to the next; None is the worker's own setting.
    `gather`: seconds for which the broker may hold records back once they flow; 0 where somebody waits for the room."""

    tick: float | None = None
    fetch_wait: float = 0.0
    stop_topics: Literal["priority_topics", "topics"] = "priority_topics"
    """Which topics may carry a STOP.  A record of a `first` topic ends the tick and cuts a batch short.  One of a
    `then` topic waits for the tick, but not for `crowd`."""
    busy_tick: float = 0.0
    """What `tick` becomes, in seconds, while many facts come (`streams.runtime.batch_delay`)."""


PROMPT: Final = Batching(busy_tick=0.3)
"""Somebody waits for the room."""


@dataclass(frozen=True)
class Processor:
    """`first` topics are taken before `then` topics, and after an assignment nothing of `then` is judged and no wake
    fires until `first` has been read to the ends seen at assignment: so a STOP that is already on Kafka wins.

    `told_of`: topics whose unreadable records the fold is told of (`Unreadable`), for they may have been a STOP; None:
    those of `first`.

    All topics of a room have the same key and the same number of partitions; the kit checks it at start."""

    name: str
    process: Process
    topics: tuple[Topic[Any], ...]
    priority_topics: tuple[Topic[Any], ...] = ()
    on_timer: OnTimer | None = None
    finish_batch: FinishBatch | None = None
    """Called once per batch for each family that has something pending (`Rows.pending`), after all its facts.
    What a room publishes here it publishes once a batch, as it stands at the end, not once a fact."""
    batching: Batching = PROMPT
    compresses_idle_state: bool = False
    """Compress in memory the rows that are at rest: where they are many and seldom touched (`streams.packing`)."""
    reports_unreadable: tuple[Topic[Any], ...] | None = None
    waiting_prefix: str | None = None
    """What the names of rows begin with that wait, and are to be woken when settings change.  The families of such a
    room begin with the tenant."""
    reports_acquired: bool = False
    """Tell every restored family that it has a new owner (`Opened`)."""
    published_topics: tuple[Topic[Any], ...] = ()
    """What its steps may publish, dead letters aside."""

    @property
    def inputs(self) -> tuple[Topic[Any], ...]:
        return (*self.priority_topics, *self.topics)

    @property
    def outputs(self) -> tuple[Topic[Any], ...]:
        """All it needs to be allowed to write: also to what it reads, where a misfiled record is put right."""
        return tuple(
            {
                topic.name: topic
                for topic in (*self.published_topics, *self.inputs, DEAD_LETTERS, self.state_topic)
            }.values()
        )

    @property
    def state_topic(self) -> Topic[Any]:
        return state_topic(self.name)
