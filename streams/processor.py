"""A processor as the runtime runs it and the simulation replays it: a name, its topics, and its
functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from schemas.topics import DEAD_LETTERS, Topic, state_topic
from streams.processing import FinishBatch, OnTimer, Process

SHUTDOWN_METADATA: Final = "ended as it was told"
"""The metadata of the group's offsets that a worker commits as it ends, so that monitoring does not
take it for stuck. A static member stays the owner of its partitions until its session runs out,
also after it has ended.  The next owner commits the offsets without this text."""


class Batching(NamedTuple):
    """How long records may gather before a transaction: its cost does not depend on what is in
    it."""

    tick: float | None = None
    """Seconds from the begin of one transaction to the next; None is the worker's own setting."""
    fetch_wait: float = 0.0
    """Seconds for which the broker may hold records back once they flow; 0 where somebody waits for
    the processor."""
    stop_topics: Literal["priority_topics", "topics"] = "priority_topics"
    """Which topics may carry a STOP.  A STOP on a priority topic ends the tick and cuts a batch
    short.  One on another topic waits for the tick, but not for `busy_tick`."""
    busy_tick: float = 0.0
    """What `tick` becomes, in seconds, while many records come (`streams.runtime.timing`)."""


PROMPT: Final = Batching(busy_tick=0.3)
"""For a processor that somebody waits for."""


@dataclass(frozen=True)
class Processor:
    """All topics of a processor have the same key and the same number of partitions; the runtime
    checks it at start."""

    name: str
    process: Process
    topics: tuple[Topic[Any], ...]
    priority_topics: tuple[Topic[Any], ...] = ()
    """Taken before `topics`.  After an assignment no record of `topics` is evaluated and no timer
    fires until these have been read to the ends seen at assignment: so a STOP that is already on
    Kafka wins."""
    on_timer: OnTimer | None = None
    finish_batch: FinishBatch | None = None
    """Called once per batch, after all records, for each entity key with something pending
    (`StateStore.pending`). What is published here is published once a batch, as it stands at the
    end, and not once a record."""
    batching: Batching = PROMPT
    compresses_idle_state: bool = False
    """Compress idle entries in memory: for a processor with many that are seldom touched
    (`streams.memory`)."""
    reports_unreadable: tuple[Topic[Any], ...] | None = None
    """Topics whose unreadable records `process` is told of (`UnreadableRecord`), for they may have
    been a STOP. None: the priority topics."""
    shared_topics: tuple[Topic[Any], ...] = ()
    """Inputs that another processor reads too and looks after: it re-routes what is misplaced there
    and puts aside what cannot be read.  Here such records are passed over.  If both did so, each
    would read the other's copies, and act again on what is long past."""
    waiting_prefix: str | None = None
    """The beginning of the names of entries that wait, and are evaluated again when settings
    change.  The entity keys of such a processor begin with the tenant."""
    catches_up: bool = False
    """After an assignment no timer fires, and nothing is evaluated again, until all topics have
    been read to the ends seen at assignment: what was said while nobody worked holds for what came
    due meanwhile."""
    checks_ends: bool = False
    """Before a timer fires, ask the broker where those topics end that are waited for at
    assignment, and read them to there first: what had reached Kafka before a held text's time holds
    for it, also where this worker is slow."""
    reports_acquired: bool = False
    """Tell every restored entity key that it has a new owner (`PartitionAcquired`)."""
    is_former_key: Callable[[str], bool] | None = None
    """Entity keys of versions before that are filed otherwise now.  Each that is restored is told
    that it has a new owner (`PartitionAcquired`), so that it can move."""
    published_topics: tuple[Topic[Any], ...] = ()
    """What its results may publish, besides dead letters."""

    @cached_property
    def inputs(self) -> tuple[Topic[Any], ...]:
        return (*self.priority_topics, *self.topics)

    @cached_property
    def outputs(self) -> tuple[Topic[Any], ...]:
        """All that it must be allowed to write; its inputs too, for a misplaced record is filed
        again."""
        own = (topic for topic in self.inputs if topic not in self.shared_topics)
        return tuple(
            {
                topic.name: topic
                for topic in (*self.published_topics, *own, DEAD_LETTERS, self.state_topic)
            }.values()
        )

    @cached_property
    def state_topic(self) -> Topic[Any]:
        return state_topic(self.name)
