"""The ledger in a schema of a PostgreSQL database, for a process that fills it.

Theory of operation
-------------------
A batch and the positions of its partitions are written in one transaction, as in the file. What is
different is that several processes do so at once:

- Each writes under one lock of the ledger, which it holds until its transaction ends. So what
  depends on records of several topics (facets, lists of people) is right whoever writes last, the
  numbers of changes grow in the order in which readers see them, and no two wait for each other.
  Reading and parsing, which is most of the work, is done outside of the lock.
- Each says from where it read. The positions are compared and set in one statement: where one is
  not what this process took it to be, another one has gone on there, and nothing of the batch is
  written (`LedgerRebuilt`). That holds whatever `shares` tells who should read what.

The server may lose the last transactions when its machine fails, rows and positions together
(`synchronous_commit` is off): they are read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from services.ledger.location import PostgresLocation
from services.ledger.message_facets import MessageFacets
from services.ledger.person_index import PersonIndex
from services.ledger.postgres.connection import Sql
from services.ledger.postgres.copying import TableWriter
from services.ledger.postgres.rebuilding import Rebuilding, create_schema
from services.ledger.postgres.shares import Shares, lock_number
from services.ledger.postgres.tables import VERSION
from services.ledger.postgres.words import PostgresWordSearch, split_texts
from services.ledger.projection import ParsedRecord, Partition
from services.ledger.store import Store
from services.ledger.text_index import collect_texts
from services.ledger.unusable import LedgerRebuilt
from services.ledger.word_search import WordSearch

_TEXTS: Final = ("key", "tenant", "message_id", "words")


class PostgresStore(Store):
    version = VERSION
    word_search: WordSearch = PostgresWordSearch()
    is_shared = True

    def __init__(self, location: PostgresLocation, *, existing: bool = False) -> None:
        """Raises LedgerUnusable; with `existing` FileNotFoundError where there is none."""
        self.location = location
        self._connection: Any = Sql(location)
        self._lock = lock_number(location.schema, "write")
        self._shares = Shares(self._sql)
        self._rebuilding = Rebuilding(self._sql)
        try:
            self._sql.execute("SET synchronous_commit TO off")
            if self._sql.value("SELECT to_regclass('meta')") is None:
                if existing:
                    raise FileNotFoundError(location)
                create_schema(self._sql, self._lock)
        except BaseException:
            self.close()
            raise
        self._reset()

    @property
    def _sql(self) -> Any:
        return self._connection

    @property
    def _writer(self) -> Any:
        return self._rows

    def _reset(self) -> None:
        self._rows = TableWriter(self._sql)
        self._messages = MessageFacets(self._rows)
        self._people = PersonIndex(self._rows, keeps_words=False)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self._sql.in_transaction:
            yield
            return
        with begin_snapshot(self._sql):
            yield

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return list(self._sql.execute(sql, values).fetchall())

    def each(self, sql: str, *values: Any) -> Iterator[Any]:
        yield from self._sql.each(sql, values)

    def meta(self, name: str) -> str | None:
        found = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return found[0]["value"] if found else None

    # Who reads what.

    def join(self) -> None:
        self._shares.join()

    def share(self, partitions: Sequence[Partition]) -> frozenset[Partition]:
        """All of them while this process rebuilds the ledger beside."""
        if self._rebuilding.is_under_way:
            return frozenset(partitions)
        return self._shares.find(partitions)

    # Rebuild.

    def find_mismatch(self) -> str | None:
        if self.meta("version") == VERSION:
            return None
        return "it was made by another version of Sayso"

    def may_rebuild(self) -> bool:
        return self._rebuilding.is_under_way or (
            self._shares.is_alone and self._rebuilding.try_begin()
        )

    def rebuild(self, cluster: str | None) -> None:
        self._rebuilding.start(cluster)
        self._reset()

    def finish_rebuild(self) -> None:
        if self._rebuilding.is_under_way:
            self._rebuilding.finish()
            self._reset()

    # Writing.

    def _find_done(self, known: Mapping[Partition, int] | None) -> Mapping[Partition, int]:
        return self.positions() if known is None else known

    def _move(self, done: Mapping[Partition, int], reached: Mapping[Partition, int]) -> None:
        """Compare and set. Raises LedgerRebuilt where another process has gone on."""
        moves = [
            (*one, done.get(one), to)
            for one, to in sorted(reached.items())
            if to > done.get(one, -1)
        ]
        moved = 0
        known = [one for one in moves if one[2] is not None]
        for sql, several in ((_MOVE, known), (_BEGIN, [one for one in moves if one[2] is None])):
            if several:
                columns = [list(column) for column in zip(*several, strict=True)]
                moved += self._sql.connection.execute(sql, columns).rowcount
        if moved != len(moves):
            raise LedgerRebuilt

    def _write(self, new: Sequence[ParsedRecord], generation: str | None) -> None:
        self._rows.has_zeros = any(b"\\u0000" in (one.record.value or b"") for one in new)
        super()._write(new, generation)

    def _write_texts(self, new: Sequence[ParsedRecord]) -> None:
        texts = collect_texts(self._rows, new)
        if texts:
            words = split_texts((key, body) for key, _, _, body in texts)
            rows = [(*one[:3], words.get(one[0], [])) for one in texts]
            self._rows.copy("texts", _TEXTS, rows)

    def note_share_current(self, at_ms: int, generation: str | None) -> None:
        """The ledger holds what Kafka had at the earliest time that a process noted for its share,
        as long as they agree who they are."""
        self._shares.note(at_ms)
        earliest = self._shares.earliest()
        if earliest is not None and not self._rebuilding.is_under_way:
            self.note_current(earliest, generation)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._sql.transaction():
                self._sql.execute("SELECT pg_advisory_xact_lock(?)", (self._lock,))
                yield
        except BaseException:
            self._reset()  # what they remember as written was taken back
            raise


@contextmanager
def begin_snapshot(sql: Sql) -> Iterator[None]:
    """The lock keeps a rebuild from taking the tables' place meanwhile. It comes first: with the
    first SELECT the snapshot begins."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE meta IN ACCESS SHARE MODE"
    try:
        with sql.explain():
            sql.connection.execute(begin)
        yield
    finally:
        if sql.is_usable and sql.in_transaction:
            sql.connection.execute("ROLLBACK")


_MOVE: Final = """UPDATE positions p SET next_off = v.next_off
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS v (topic, part, was, next_off)
    WHERE p.topic = v.topic AND p.part = v.part AND p.next_off = v.was"""
_BEGIN: Final = """INSERT INTO positions SELECT v.topic, v.part, v.next_off
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS v (topic, part, was, next_off) ON CONFLICT DO NOTHING"""
