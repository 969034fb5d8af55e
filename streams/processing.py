"""What a room is: a fold over facts, with rows of its own.

    def gate(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step

Pure: no clock, no I/O, no randomness.  A record's key names a *family* of small rows; a fold sees its family only and
says what changes, what to publish, and when to call again.  The kit makes all of that durable at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, NamedTuple, Protocol, TypeVar

from schemas.base import Evidence, Message
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import Topic
from streams.packing import unpack
from streams.state_entry import StateEntry as StateEntry
from streams.state_entry import dump, parse

R = TypeVar("R", bound=StateEntry)
T = TypeVar("T")


class InputRecord(NamedTuple):
    """A message and where it stands.  `at_ms` is the broker's append time where the topic has that, else the
    producer's; milliseconds since 1970, UTC.  Results of a room's own effects have topic "" and offset -1."""

    value: Any
    topic: str = ""
    partition: int = -1
    offset: int = -1
    at_ms: int = 0

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def evidence(self) -> Evidence:
        """This record, as the evidence of what follows from it."""
        return Evidence(topic=self.topic, partition=self.partition, offset=self.offset)


class Publication(NamedTuple):
    """A message for a topic; the topic's declaration knows the key, the kit the partition."""

    topic: Topic[Any]
    value: Message


class PartitionAcquired(Message):
    """This owner has just taken the family over: after its rows are back and consent or controls are read up, before
    anything else.  Only rooms that ask for it (`Room.opens`) are told."""


class UnreadableRecord(Message):
    """Something of this family could not be read: it may have been a STOP.  The record itself is set aside as a dead
    letter; `family` is None where not even the key can be believed: then no room is told (`Room.told_of`)."""

    cause: str
    reason: str
    entity_key: str | None = None


class Call(Protocol):
    """Something to do in the world once the step is durable (dispatch's Post).  What came of it returns as a Fact
    of the same family."""

    @property
    def identity(self) -> Hashable: ...


class CancelCall(NamedTuple):
    """An effect that was asked for must not begin any more.  One that has begun goes on; either way its answer
    comes."""

    identity: Hashable


class StepResult(NamedTuple):
    """What a fold answers.  `rows`: only those changed, None deletes.  `wake`: call me again for this row, not
    before; None takes a wake back.  A row that is deleted has no wake; a row that is written keeps the one it had."""

    state: Mapping[str, StateEntry | None] = {}
    publish: tuple[Publication, ...] = ()
    timers: Mapping[str, datetime | None] = {}
    calls: tuple[Any, ...] = ()

    @staticmethod
    def merge(*results: StepResult) -> StepResult:
        """One result out of several of one entity key, in their order: the last write of an entry is kept."""
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
    """Wakes for all of them in this order, a thousand a second: of those that come in the same millisecond nobody says
    which is first."""
    return {name: now + place * _MILLISECOND for place, name in enumerate(names)}


class CallLimits(NamedTuple):
    """What the process that performs a room's effects says of itself.  `call_timeout`: seconds that one call may take.
    `pace`: segments per second that one sender may have of the account's.  `rests_until`: no call begins before."""

    call_timeout: float = 10.0
    pace: float = inf
    paused_until: datetime | None = None


class Settings(NamedTuple):
    """The broadcast topics as this worker has read them."""

    tenants: Mapping[str, TenantSettings] = {}
    senders: Mapping[str, Sender] = {}
    versions: Mapping[str, str] = {}
    """A tenant's settings version, worked out once per change rather than once per decision."""
    call_limits: CallLimits = CallLimits()


def build_settings(
    tenants: Mapping[str, TenantSettings], senders: Mapping[str, Sender]
) -> Settings:
    return Settings(tenants, senders, {name: tenant.version for name, tenant in tenants.items()})


class StateStore:
    """A family of rows: bytes, parsed on touch.  A row written by the batch under way is still the object it was
    written as: one that is touched by every fact is parsed and written out once a batch, not once a fact.

    `pending` is what a fold notes for `Room.finish` at the end of the batch.  It never outlives the batch: the lane
    clears it before the commit, so nothing of it has to survive a crash.

    `memo` is a place for what can be derived from the rows and is costly to derive (dispatch's queue order).  It is
    built when first asked for, lives as long as this owner holds the family, and is never written anywhere.
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
        """Something was derived from these rows that an empty family must not lose (a bucket's debt)."""
        return self._cache is not None

    def cache(self, build: Callable[[StateStore], T]) -> T:
        if self._cache is None:
            self._cache = build(self)
        cache: T = self._cache
        return cache


Process = Callable[[StateStore, InputRecord, datetime, Settings], StepResult]
OnTimer = Callable[[StateStore, str, datetime, Settings], StepResult]
"""Called for a row whose wake has come: (family, row's name, now, settings)."""
FinishBatch = Callable[[StateStore, datetime, Settings], StepResult]
"""Called at the end of a batch for a family with something pending: (family, now, settings)."""
