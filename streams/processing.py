"""What a processor is: a pure function over records, with state of its own.

    def process(state: StateStore, record: InputRecord, now: datetime, settings: Settings) ->
    StepResult

It has no clock, no I/O and no randomness.  A record's *entity key* names a set of small state
entries.  `process` sees those entries only, and answers which of them change, what to publish,
which calls to make and when to be called again. The runtime makes all of that durable at once, in
one Kafka transaction.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, NamedTuple, Protocol, TypeVar

from schemas.base import Evidence, Message
from schemas.dead_letter import DeadLetter
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import BY_NAME, DEAD_LETTERS, Topic
from streams.memory import unpack
from streams.state_entry import StateEntry as StateEntry
from streams.state_entry import dump, parse

R = TypeVar("R", bound=StateEntry)
T = TypeVar("T")


class InputRecord(NamedTuple):
    """A message, and where it stands.  The result of a processor's own call has topic "" and offset
    -1."""

    value: Any
    topic: str = ""
    partition: int = -1
    offset: int = -1
    at_ms: int = 0
    """When it was appended: the broker's time where the topic has that, else the producer's.
    Milliseconds since 1970, UTC."""

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def evidence(self) -> Evidence:
        """This record, as the evidence of what follows from it."""
        return Evidence(topic=self.topic, partition=self.partition, offset=self.offset)

    @property
    def event_id(self) -> str:
        """The identity of an event that follows from it: its place, by which staff find it among
        the dead letters."""
        return f"{self.topic}:{self.partition}:{self.offset}:{self.at_ms}"


class Publication(NamedTuple):
    """A message for a topic.  The topic's declaration tells the key, the runtime works out the
    partition."""

    topic: Topic[Any]
    value: Message


def build_dead_letter(
    processor: str, record: InputRecord, now: datetime, cause: str, reason: str
) -> Publication:
    """A dead letter for a record that could be read but must not be acted on.

    `reason` tells staff what to do; it names no number and quotes no text.  The value is encoded
    again, for a processor sees the message and not the record's bytes."""
    topic = BY_NAME[record.topic]
    dead_letter = DeadLetter(
        room=processor,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.at,
        key=base64.b64encode(topic.key(record.value).encode()).decode(),
        value=base64.b64encode(topic.encode(record.value)).decode(),
        cause=cause,
        reason=reason,
        at=now,
    )
    return Publication(DEAD_LETTERS, dead_letter)


class PartitionAcquired(Message):
    """A new owner has taken this entity key over.  It comes after the state is restored and the
    priority topics are read up, and before anything else.  Only for processors with
    `Processor.reports_acquired`, and for keys that are filed otherwise now
    (`Processor.is_former_key`)."""


class UnreadableRecord(Message):
    """A record of this entity key could not be read: it may have been a STOP.  The record itself
    becomes a dead letter. Processors see this for the topics in `Processor.reports_unreadable`."""

    cause: str
    reason: str
    entity_key: str | None = None
    """None where not even the key can be trusted: then no processor is told."""


class Call(Protocol):
    """Something to do in the world once the step is durable.  Its result returns as an
    `InputRecord` of the same entity key."""

    @property
    def identity(self) -> Hashable: ...


class CancelCall(NamedTuple):
    """The call of this identity must not begin any more.  One that has begun goes on; its result
    comes either way."""

    identity: Hashable


class StepResult(NamedTuple):
    """What a processor answers."""

    state: Mapping[str, StateEntry | None] = {}
    """The entries that change; None deletes one."""
    publish: tuple[Publication, ...] = ()
    timers: Mapping[str, datetime | None] = {}
    """Call `on_timer` for this entry, not before that time; None cancels the timer.  An entry that
    is written keeps its timer; one that is deleted loses it."""
    calls: tuple[Any, ...] = ()
    """`Call` or `CancelCall`, in order."""

    @staticmethod
    def merge(*results: StepResult) -> StepResult:
        """One result out of several of one entity key, in their order: the last write of an entry
        is kept."""
        state: dict[str, StateEntry | None] = {}
        timers: dict[str, datetime | None] = {}
        publish: list[Publication] = []
        calls: list[Any] = []
        for result in results:
            state |= result.state
            timers |= result.timers
            publish += result.publish
            calls += result.calls
        return StepResult(state, tuple(publish), timers, tuple(calls))


NO_CHANGE = StepResult()

_MILLISECOND = timedelta(milliseconds=1)


def spread_timers(names: Iterable[str], now: datetime) -> dict[str, datetime | None]:
    """Timers that fire in this order, a thousand a second.  Timers of one millisecond fire in any
    order."""
    return {name: now + number * _MILLISECOND for number, name in enumerate(names)}


class CallLimits(NamedTuple):
    """What the process that makes a processor's calls tells of itself."""

    call_timeout: float = 10.0
    """Seconds that one call may take."""
    pace: float = inf
    """Segments per second that one sender may have of the account's."""
    paused_until: datetime | None = None
    """No call begins before."""


class Settings(NamedTuple):
    """The settings topics, as this worker has read them."""

    tenants: Mapping[str, TenantSettings] = {}
    senders: Mapping[str, Sender] = {}
    versions: Mapping[str, str] = {}
    """By tenant: computed once per change rather than once per decision."""
    call_limits: CallLimits = CallLimits()
    account_error: tuple[str, datetime] | None = None
    """What the provider said to pause the whole account, and since when, while it pauses."""


def build_settings(
    tenants: Mapping[str, TenantSettings], senders: Mapping[str, Sender]
) -> Settings:
    return Settings(tenants, senders, {name: tenant.version for name, tenant in tenants.items()})


class StateStore:
    """The state entries of one entity key: bytes, parsed when read.

    `raw` holds each entry by name.  An entry that the batch under way has written is still the
    object it was written as: one that every record touches is parsed and serialized once a batch,
    not once a record.

    `pending` is what `process` notes for `Processor.finish_batch`.  The partition task clears it
    before the commit, so nothing of it has to survive a crash.

    `cache` keeps what is derived from the entries and costly to derive (dispatch's queue order).
    It is built when first asked for, lives as long as this owner has the partition, and is never
    written anywhere.
    """

    __slots__ = ("_cache", "entity_key", "pending", "raw")

    def __init__(self, entity_key: str, raw: MutableMapping[str, Any] | None = None) -> None:
        self.entity_key = entity_key
        self.raw: MutableMapping[str, Any] = {} if raw is None else raw
        self._cache: Any = None
        self.pending: Any = None

    def get(self, name: str, model: type[R]) -> R | None:
        raw = self.raw.get(name)
        if raw is None or type(raw) is model:
            return raw
        return parse(model, unpack(raw) if isinstance(raw, bytes) else dump(raw))

    def names(self, prefix: str = "") -> Iterator[str]:
        return (name for name in self.raw if name.startswith(prefix))

    @property
    def has_cache(self) -> bool:
        """Then an entity key without entries is kept: its cache may hold what must not be lost (a
        bucket's debt)."""
        return self._cache is not None

    def cache(self, build: Callable[[StateStore], T]) -> T:
        if self._cache is None:
            self._cache = build(self)
        cache: T = self._cache
        return cache


Process = Callable[[StateStore, InputRecord, datetime, Settings], StepResult]
OnTimer = Callable[[StateStore, str, datetime, Settings], StepResult]
"""Called for an entry whose timer is due: (state, the entry's name, now, settings)."""
FinishBatch = Callable[[StateStore, datetime, Settings], StepResult]
"""Called at the end of a batch for a key with something pending: (state, now, settings)."""
