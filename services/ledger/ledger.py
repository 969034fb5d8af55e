"""The ledger: open it, bring it up to the topics, ask it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.ledger.broken import sentence
from services.ledger.ddl import VERSION
from services.ledger.fold import Entry, Place, read
from services.ledger.source import FULL, LONG_POLL, Source, SourceError, reading
from services.ledger.store import Store, Superseded

T = TypeVar("T")

FILE = "ledger.sqlite"
GATHER = 0.5
"""Seconds between two batches of one who follows: a fetch and a transaction of SQLite for every few records cost more
than the records."""
_PATIENCE = 30.0
"""Seconds without a single step forward before a catch-up gives up."""


class LedgerError(Exception):
    """One sentence for the person who asked."""


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Raises LedgerError for a file that cannot be read or written."""
    try:
        yield
    except sqlite3.Error as error:
        said = sentence(path, error)
        if said is None:
            raise
        raise LedgerError(said) from None


class Caught(NamedTuple):
    """What a catch-up did.  `rebuilt` says why the file was made anew, if it was."""

    records: int = 0
    rebuilt: str | None = None


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, path: Path, *, existing: bool = False) -> Ledger:
        """`existing`: refuse to make a new one.  Raises LedgerError."""
        try:
            with _in_words(path):
                return cls(Store(path, existing=existing))
        except FileNotFoundError:
            raise LedgerError(
                f"There is no ledger at {path} yet: run `sayso up` first, or give --bootstrap"
            ) from None
        except OSError as error:
            raise LedgerError(
                f"The ledger at {path} cannot be made: {error.strerror or error}"
            ) from None

    def close(self) -> None:
        self._store.close()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """For the read functions beside this file.  Raises LedgerError."""
        with _in_words(self._store.path):
            return self._store.rows(sql, *values)

    def each(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """The same, row by row."""
        with _in_words(self._store.path):
            yield from self._store.each(sql, *values)

    def positions(self) -> dict[Place, int]:
        return self._store.positions()

    async def catch_up(
        self, bootstrap: str, moved: Callable[[int, int], None] = lambda _done, _of: None
    ) -> Caught:
        """Fold everything up to the ends seen now; `moved` hears of how many offsets, and of how many.  Raises
        LedgerError."""
        try:
            with _in_words(self._store.path):
                async with reading(bootstrap) as source:
                    return await self._to_the_ends(source, moved)
        except (SourceError, KafkaError) as error:
            raise LedgerError(str(error)) from None

    async def follow(self, bootstrap: str, stop: asyncio.Event, gather: float = GATHER) -> Caught:
        """Fold until told to stop: the first record at once, then every `gather` seconds.  Raises LedgerError."""
        try:
            with _in_words(self._store.path):
                async with (
                    reading(bootstrap, long_poll=LONG_POLL) as source,
                    _waiting_for(stop) as stopped,
                ):
                    rebuilt, generation = await self._begin(source)
                    records = 0
                    while not stop.is_set():
                        count = 0
                        try:
                            if found := await _or(stopped, source.batch(LONG_POLL, hold=True)):
                                count, records = (
                                    len(found[0]),
                                    records + self._take(*found, generation),
                                )
                        except (Superseded, OffsetOutOfRangeError):
                            rebuilt, generation = await self._begin(source)
                        if 0 < count < FULL:
                            await asyncio.wait({stopped}, timeout=gather)
                    return Caught(records, rebuilt)
        except (SourceError, KafkaError) as error:
            raise LedgerError(str(error)) from None

    async def _to_the_ends(self, source: Source, moved: Callable[[int, int], None]) -> Caught:
        ends = await source.ends()
        rebuilt, generation = await self._begin(source)
        records, reached, stepped = 0, self.positions(), time.monotonic()
        behind = _behind(reached, ends)
        while any(reached.get(place, 0) < end for place, end in ends.items()):
            before = reached
            try:
                entries, reached = await source.batch(0.05)
                records += self._take(entries, reached, generation)
            except (Superseded, OffsetOutOfRangeError):
                rebuilt, generation = await self._begin(source)
            if reached != before:
                stepped = time.monotonic()
                moved(behind - _behind(reached, ends), behind)
            elif time.monotonic() - stepped > _PATIENCE:
                raise LedgerError(
                    f"Kafka has more to read but gave nothing for {_PATIENCE:.0f} s: is it overloaded?"
                )
        return Caught(records, rebuilt)

    def _take(self, entries: list[Entry], reached: dict[Place, int], generation: str | None) -> int:
        """How many of them were new."""
        changed = {place: to for place, to in reached.items() if to > self._seen.get(place, -1)}
        new = (
            self._store.fold([read(entry) for entry in entries], changed, generation)
            if changed
            else 0
        )
        self._seen |= changed
        return new

    async def _begin(self, source: Source) -> tuple[str | None, str | None]:
        """Go on from where the file stands; rebuild it first if it does not belong to these topics."""
        if self._store.meta("version") != VERSION:
            raise LedgerError(
                "Another version of Sayso has rebuilt the ledger: start this one again"
            )
        before = (
            self.positions()
        )  # first: another process may be folding what comes behind the ends seen here
        starts, ends = await source.starts(), await source.ends()
        self._store.claim(source.cluster)
        why = _foreign(self._store.meta("cluster"), source.cluster) or _out_of_range(
            before, starts, ends
        )
        if why:
            self._store.rebuild(source.cluster)
        generation, self._seen = self._store.meta("generation"), self.positions()
        source.seek({place: self._seen.get(place, starts[place]) for place in source.places})
        return why, generation

    _seen: dict[Place, int]
    """How far this process knows the file to be: spares a transaction where nothing moved."""


@asynccontextmanager
async def _waiting_for(stop: asyncio.Event) -> AsyncIterator[asyncio.Task[Any]]:
    waiting = asyncio.create_task(stop.wait())
    try:
        yield waiting
    finally:
        waiting.cancel()


async def _or(stopped: asyncio.Task[Any], work: Coroutine[Any, Any, T]) -> T | None:
    """What comes of the work, or None where the stop comes first."""
    task = asyncio.create_task(work)
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait({task})
    return None


def _behind(reached: dict[Place, int], ends: dict[Place, int]) -> int:
    return sum(max(end - reached.get(place, 0), 0) for place, end in ends.items())


def _foreign(held: str | None, cluster: str) -> str | None:
    return None if held == cluster else "it held the topics of another Kafka cluster"


def _out_of_range(
    positions: dict[Place, int], starts: dict[Place, int], ends: dict[Place, int]
) -> str | None:
    for place, position in positions.items():
        if place not in ends:
            return f"{place.topic}/{place.partition} is gone"
        if not starts[place] <= position <= ends[place]:
            return (
                f"{place.topic}/{place.partition} now holds {starts[place]} to {ends[place]}, "
                f"and the ledger stood at {position}"
            )
    return None
