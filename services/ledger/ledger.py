"""The ledger: open it, bring it up to the topics, query it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.ledger.location import FILE, Location
from services.ledger.open_store import (
    explain_store_errors,
    open_store,
    open_store_for_reading,
)
from services.ledger.projection import Partition, Record, parse
from services.ledger.read_store import OtherVersion
from services.ledger.store import Store
from services.ledger.topic_reader import (
    LONG_POLL,
    MAX_BATCH,
    TopicReader,
    TopicReaderError,
    open_reader,
)
from services.ledger.unusable import LedgerError, LedgerRebuilt
from services.ledger.word_search import WordSearch

__all__ = ["FILE", "CatchUp", "Ledger", "LedgerError"]

T = TypeVar("T")
Positions = dict[Partition, int]

GATHER: Final = 0.25
"""Seconds between two batches of a ledger that follows: a fetch and a transaction for every few
records would cost more than the records. A change is to be on a page within a second."""
CURRENT_EVERY: Final = 1.0
"""Seconds after which a ledger that follows notes again that it holds all that Kafka has."""
IDS_EVERY: Final = 30.0
"""Seconds after which a ledger that follows asks whether the topics are still the same."""
SHARE_EVERY: Final = 1.0
"""Seconds after which a ledger that others fill too asks again who reads what."""
REBUILT_ELSEWHERE: Final = 0.5
"""Seconds between two looks at whether another process has rebuilt the ledger."""
_PATIENCE: Final = 30.0
"""Seconds without progress before a catch-up gives up."""


class CatchUp(NamedTuple):
    """What a catch-up did."""

    records: int = 0
    rebuilt: str | None = None
    """Why the file was rebuilt, if it was."""


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Positions = {}
        """The positions that this process knows the file to have reached."""
        self._share: frozenset[Partition] = frozenset()
        """What this process reads of the topics."""
        self._shared_at = -SHARE_EVERY
        self._is_joined = False
        self._has_begun = False

    @classmethod
    def open(cls, location: Location, *, existing: bool = False) -> Ledger:
        """`existing`: refuse to create a new one. Raises LedgerError."""
        try:
            with explain_store_errors(location):
                store = open_store(location, existing=existing)
                if existing and (why := store.find_mismatch()):
                    store.close()
                    raise LedgerError(
                        f"The ledger at {location} cannot be used, {why}: restart python -m "
                        "services.ledger, which rebuilds it"
                    )
                return cls(store)
        except FileNotFoundError:
            raise LedgerError(
                f"There is no ledger at {location} yet: run `sayso up` first, or give --bootstrap"
            ) from None
        except OSError as error:
            raise LedgerError(
                f"The ledger at {location} cannot be created: {error.strerror or error}"
            ) from None

    @classmethod
    def open_for_reading(cls, location: Location) -> Ledger:
        """For a process that serves many readers: it may be used from several threads, changes
        nothing, and never waits for whoever fills the file. Raises LedgerError.

        The ledger must be there, made by this version."""
        try:
            with explain_store_errors(location):
                return cls(open_store_for_reading(location))
        except FileNotFoundError:
            raise LedgerError(
                f"There is no ledger at {location} yet: start python -m services.ledger, which "
                "fills it"
            ) from None
        except OtherVersion:
            raise LedgerError(
                f"The ledger at {location} was made by another version: restart python -m "
                "services.ledger, which rebuilds it"
            ) from None

    def close(self) -> None:
        self._store.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that this thread reads inside is of one state of the ledger, so that the parts
        of a page agree. Raises LedgerError."""
        with explain_store_errors(self._store.location), self._store.snapshot():
            yield

    @property
    def word_search(self) -> WordSearch:
        return self._store.word_search

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """For the read functions of this package. Rows have their values by place and by name, as
        SQLite's. Raises LedgerError."""
        with explain_store_errors(self._store.location):
            return self._store.rows(sql, *values)

    def each(self, sql: str, *values: Any) -> Iterator[Any]:
        """The same, row by row."""
        with explain_store_errors(self._store.location):
            yield from self._store.each(sql, *values)

    def positions(self) -> Positions:
        return self._store.positions()

    def join(self) -> None:
        """Share the topics with other processes that fill this ledger, as long as it is open: each
        reads some of the partitions. A file is filled by whoever comes first.

        Raises LedgerError."""
        with explain_store_errors(self._store.location):
            self._store.join()
            self._is_joined = True

    async def catch_up(
        self, bootstrap: str, on_progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> CatchUp:
        """Project everything up to the ends of the topics as they are now. Raises LedgerError.

        `on_progress` is called with the number of offsets done, and of all.
        """
        with self._explain_errors():
            async with open_reader(bootstrap) as reader:
                return await self._read_to_ends(reader, on_progress)

    async def follow(self, bootstrap: str, stop: asyncio.Event, gather: float = GATHER) -> CatchUp:
        """Project until `stop` is set: the first record at once, then every `gather` seconds.
        Raises LedgerError."""
        with self._explain_errors():
            async with (
                open_reader(bootstrap, long_poll=LONG_POLL) as reader,
                _wait_task(stop) as stopped,
            ):
                if (begun := await _first_of(stopped, self._begin(reader))) is None:
                    return CatchUp()
                rebuilt, generation = begun
                checked_at = noted_at = time.monotonic()
                records = 0
                while not stop.is_set():
                    count = 0
                    try:
                        if time.monotonic() - checked_at > IDS_EVERY:
                            checked_at = time.monotonic()
                            if _recreated(self._store.topic_ids(), await reader.topic_ids()):
                                raise LedgerRebuilt  # by this process, in a moment
                        self._update_share(reader)
                        if found := await _first_of(stopped, reader.batch(LONG_POLL, pause=True)):
                            count = len(found[0])
                            records += self._apply(*found, generation)
                        if time.monotonic() - noted_at >= CURRENT_EVERY:
                            noted_at = time.monotonic()
                            self._note_current(reader, generation)
                    except (LedgerRebuilt, OffsetOutOfRangeError):
                        if (begun := await _first_of(stopped, self._begin(reader))) is None:
                            break
                        rebuilt, generation = begun
                    if 0 < count < MAX_BATCH:
                        await asyncio.wait({stopped}, timeout=gather)
                return CatchUp(records, rebuilt)

    async def _read_to_ends(
        self, reader: TopicReader, on_progress: Callable[[int, int], None]
    ) -> CatchUp:
        began_ms = round(time.time() * 1000)
        ends = await reader.ends()
        rebuilt, generation = await self._begin(reader)
        records = 0
        reached = self.positions()
        moved_at = time.monotonic()
        behind = _offsets_behind(reached, ends)
        while any(reached.get(partition, 0) < end for partition, end in ends.items()):
            before = reached
            try:
                self._update_share(reader)
                batch, reached = await reader.batch(0.05)
                records += self._apply(batch, reached, generation)
                if len(self._share) < len(reader.partitions):
                    reached = self.positions()
            except (LedgerRebuilt, OffsetOutOfRangeError):
                rebuilt, generation = await self._begin(reader)
            if reached != before:
                moved_at = time.monotonic()
                on_progress(behind - _offsets_behind(reached, ends), behind)
            elif time.monotonic() - moved_at > _PATIENCE:
                raise LedgerError(
                    f"Kafka has more to read but gave nothing for {_PATIENCE:.0f} s: "
                    "is it overloaded?"
                )
        self._store.finish_rebuild()
        self._store.note_current(began_ms, generation)
        return CatchUp(records, rebuilt)

    def _note_current(self, reader: TopicReader, generation: str | None) -> None:
        """After the batch was applied: the file then holds what the reader has read."""
        at_ms = reader.current_ms()
        if at_ms is not None:
            self._store.finish_rebuild()
            self._store.note_share_current(at_ms, generation)

    def _update_share(self, reader: TopicReader) -> None:
        """What another process has read so far is not read again."""
        if not self._store.is_shared or time.monotonic() - self._shared_at < SHARE_EVERY:
            return
        self._shared_at = time.monotonic()
        share = self._store.share(reader.partitions)
        if share != self._share:
            self._known = self.positions()
            self._take(reader, share)

    def _take(self, reader: TopicReader, share: frozenset[Partition]) -> None:
        self._share = share
        reader.own(share)
        reader.seek({one: self._known.get(one, self._starts[one]) for one in reader.partitions})

    def _apply(self, batch: list[Record], reached: Positions, generation: str | None) -> int:
        """Returns how many records were new. Where no position moved there is no transaction."""
        moved = {one: to for one, to in reached.items() if to > self._known.get(one, -1)}
        if not moved:
            return 0
        known = {one: self._known[one] for one in moved if one in self._known}
        new = self._store.apply([parse(record) for record in batch], moved, generation, known)
        self._known |= moved
        return new

    async def _begin(self, reader: TopicReader) -> tuple[str | None, str | None]:
        """Seek to where the file stands; rebuild the file first if it does not belong to these
        topics.

        Returns why it was rebuilt, and the file's generation.
        """
        # No event comes from the other process.
        while (found := await self._try_begin(reader)) is None:  # noqa: ASYNC110
            await asyncio.sleep(REBUILT_ELSEWHERE)
        return found

    async def _try_begin(self, reader: TopicReader) -> tuple[str | None, str | None] | None:
        """None: another process rebuilds it."""
        is_of_now = self._store.meta("version") == self._store.version
        if not is_of_now and (self._has_begun or not self._store.find_mismatch()):
            raise LedgerError(
                "Another version of Sayso has rebuilt the ledger: restart this process"
            )
        # Read the positions before the ends: another process may move them past the ends that we
        # see.
        before = self.positions()
        starts = await reader.starts()
        ends = await reader.ends()
        ids = await reader.topic_ids()
        self._store.claim(reader.cluster)
        why = (
            self._store.find_mismatch()
            or _other_cluster(self._store.meta("cluster"), reader.cluster)
            or _recreated(self._store.topic_ids(), ids)
            or _out_of_range(before, starts, ends)
            or _replaced(await reader.find_replaced(self._store.last_records(), starts, ends))
        )
        if why:
            if not self._store.may_rebuild():
                if self._is_joined:
                    return None
                raise LedgerError(f"The ledger has to be rebuilt, {why}: try again in a moment")
            self._store.rebuild(reader.cluster)
        self._store.note_topic_ids(ids)
        generation = self._store.meta("generation")
        self._known, self._starts = self.positions(), starts
        self._has_begun = True
        self._shared_at = time.monotonic()
        self._take(reader, self._store.share(reader.partitions))
        return why, generation

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            with explain_store_errors(self._store.location):
                yield
        except (TopicReaderError, KafkaError) as error:
            raise LedgerError(str(error)) from None


@asynccontextmanager
async def _wait_task(stop: asyncio.Event) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(stop.wait())
    try:
        yield task
    finally:
        task.cancel()


async def _first_of(stopped: asyncio.Task[Any], work: Coroutine[Any, Any, T]) -> T | None:
    """The result of the work, or None if the stop comes first."""
    task = asyncio.create_task(work)
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait({task})
    return None


def _offsets_behind(reached: Positions, ends: Positions) -> int:
    return sum(max(end - reached.get(one, 0), 0) for one, end in ends.items())


def _other_cluster(held: str | None, cluster: str) -> str | None:
    return None if held == cluster else "it held the topics of another Kafka cluster"


def _recreated(known: Mapping[str, str], ids: Mapping[str, str]) -> str | None:
    """The ids of a file that an earlier version made are not known, and taken as they are."""
    for name, topic_id in known.items():
        if ids.get(name, topic_id) != topic_id:
            return f"{name} was deleted and created again"
    return None


def _replaced(found: Collection[Partition]) -> str | None:
    for partition in sorted(found):
        return (
            f"{partition.topic}/{partition.number} was cut and grew again: another record stands "
            "where the last one was read"
        )
    return None


def _out_of_range(positions: Positions, starts: Positions, ends: Positions) -> str | None:
    for partition, position in positions.items():
        name = f"{partition.topic}/{partition.number}"
        if partition not in ends:
            return f"{name} is gone"
        if not starts[partition] <= position <= ends[partition]:
            return (
                f"{name} now holds {starts[partition]} to {ends[partition]}, "
                f"and the ledger stood at {position}"
            )
    return None
