"""The SQLite file: rows and the positions they came from, changed in one transaction (theory in
`projection`)."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from schemas.topics import BY_NAME
from services.ledger.case_calendar import write_calendar
from services.ledger.changes import list_changes
from services.ledger.location import Location
from services.ledger.message_facets import MessageFacets
from services.ledger.person_index import PersonIndex
from services.ledger.projection import UPSERT, ParsedRecord, Partition, Record, build_statements
from services.ledger.tables import CREATE, VERSION
from services.ledger.text_index import write_texts
from services.ledger.unusable import LedgerRebuilt
from services.ledger.usage_sums import keep_usage_sums
from services.ledger.word_search import FileWordSearch, WordSearch
from streams.partition.changelog import LastRecord, checksum_of

_TOPIC_ID: Final = "topic/"
_LAST_RECORD: Final = "last/"
"""Beginnings of names in the table `meta`."""
CURRENT: Final = "current_ms"
"""Name in `meta`: when the file was known to hold all that Kafka had, milliseconds since 1970."""
KEPT_CHANGES: Final = 50_000
"""Rows of the table `changes` that stay; readers further behind fetch the whole."""
_LOCK_TIMEOUT: Final = 30
"""Seconds to wait for another process's transaction."""
_CACHE_KIB: Final = 64 << 10


class Store:
    """One connection to the ledger's file. Several processes may fill the same file."""

    version = VERSION
    is_shared = False
    """Whether several processes may share the partitions."""
    word_search: WordSearch = FileWordSearch()

    location: Location

    def __init__(self, path: Path, *, existing: bool = False) -> None:
        """A new file is readable by its owner only (0600), because it holds numbers and texts.

        `existing`: raise FileNotFoundError instead of creating one.
        """
        self.path = path
        self.location = path
        if existing and not path.exists():
            raise FileNotFoundError(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create_file(path)
        self._connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT, isolation_level=None)
        self._sql.row_factory = sqlite3.Row
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
        self._sql.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._messages = MessageFacets(self._sql)
        self._people = PersonIndex(self._sql)
        if self.meta("version") != VERSION:
            self._upgrade()

    @property
    def _sql(self) -> sqlite3.Connection:
        return self._connection

    def close(self) -> None:
        self._sql.close()

    def join(self) -> None:
        """Read the topics together with others that fill this ledger, for as long as it is open."""

    def share(self, partitions: Sequence[Partition]) -> frozenset[Partition]:
        """Which of them this process has to read."""
        return frozenset(partitions)

    def find_mismatch(self) -> str | None:
        """Why it has to be rebuilt before it can be used."""
        return None

    def may_rebuild(self) -> bool:
        """False: another process does, or has to."""
        return True

    def finish_rebuild(self) -> None:
        """Everything that Kafka had when it began is in it."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is of one state of the file. It holds up no writer."""
        if self._sql.in_transaction:
            yield
            return
        self._sql.execute("BEGIN")
        try:
            yield
        finally:
            self._sql.execute("ROLLBACK")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._sql.execute(sql, values).fetchall()

    def each(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Row by row, for results that may be long."""
        yield from self._sql.execute(sql, values)

    def meta(self, name: str) -> str | None:
        if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            return None
        found = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return found[0]["value"] if found else None

    def positions(self) -> dict[Partition, int]:
        found = self.rows("SELECT topic, part, next_off FROM positions")
        return {Partition(row["topic"], row["part"]): row["next_off"] for row in found}

    def topic_ids(self) -> dict[str, str]:
        """The broker's ids of the topics that were read."""
        found = self.rows("SELECT name, value FROM meta WHERE name LIKE ?", f"{_TOPIC_ID}%")
        return {row["name"].removeprefix(_TOPIC_ID): row["value"] for row in found}

    def note_topic_ids(self, ids: Mapping[str, str]) -> None:
        """Those that are known already stay."""
        rows = [(_TOPIC_ID + name, topic_id) for name, topic_id in ids.items()]
        self._sql.executemany("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", rows)

    def last_records(self) -> dict[Partition, LastRecord]:
        """The last record that was read of each partition."""
        found = self.rows("SELECT name, value FROM meta WHERE name LIKE ?", f"{_LAST_RECORD}%")
        lasts = {}
        for row in found:
            topic, _, number = row["name"].removeprefix(_LAST_RECORD).rpartition("/")
            lasts[Partition(topic, int(number))] = LastRecord(*json.loads(row["value"]))
        return lasts

    def rebuild(self, cluster: str | None) -> None:
        """Drop everything and create empty tables, for this cluster's topics."""
        with self._transaction():
            self._create_tables(cluster)

    def claim(self, cluster: str) -> None:
        """Note whose topics these are, unless that is known already."""
        self._sql.execute(
            "UPDATE meta SET value = ? WHERE name = 'cluster' AND value IS NULL", (cluster,)
        )

    def apply(
        self,
        batch: Sequence[ParsedRecord],
        reached: Mapping[Partition, int],
        generation: str | None,
        known: Mapping[Partition, int] | None = None,
    ) -> int:
        """Write a batch and how far its partitions were read. Returns how many records were new.

        `known`: from where they were read. Where several processes write at once, the positions
        have to be these.

        Raises LedgerRebuilt if the file is not of this generation any more.
        """
        with self._transaction():
            if self.meta("generation") != generation or self.meta("version") != self.version:
                raise LedgerRebuilt
            done = self._find_done(known)
            new = [
                parsed
                for parsed in batch
                if parsed.record.offset >= done.get(parsed.record.partition, 0)
            ]
            self._move(done, reached)
            self._write(new, generation)
        return len(new)

    @property
    def _writer(self) -> Any:
        """Writes rows: it takes statements as a connection does."""
        return self._sql

    def _find_done(self, _known: Mapping[Partition, int] | None) -> Mapping[Partition, int]:
        """How far the partitions were read."""
        return self.positions()

    def _move(self, done: Mapping[Partition, int], reached: Mapping[Partition, int]) -> None:
        ahead = [(*one, to) for one, to in reached.items() if to > done.get(one, -1)]
        self._sql.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", ahead)

    def _write(self, new: Sequence[ParsedRecord], generation: str | None) -> None:
        statements = build_statements(new)
        outcomes = statements.pop(UPSERT["outcomes"], [])
        with keep_usage_sums(self._writer, new):
            for sql, rows in statements.items():
                self._writer.executemany(sql, rows)
        self._messages.write(outcomes, new, generation)
        self._people.write(new, generation)
        write_calendar(self._writer, new)
        self._write_texts(new)
        self._writer.executemany(_META, list_last_rows(new))
        self._note_changes(new)

    def _write_texts(self, new: Sequence[ParsedRecord]) -> None:
        write_texts(self._sql, new)

    def note_current(self, at_ms: int, generation: str | None) -> None:
        """The file holds everything that Kafka had then. Of another generation it says nothing."""
        sql = """INSERT INTO meta SELECT ?1, ?2 WHERE
                (SELECT value FROM meta WHERE name = 'generation') = ?3
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
                WHERE CAST(excluded.value AS INTEGER) > CAST(meta.value AS INTEGER)"""
        self._sql.execute(sql, (CURRENT, str(at_ms), generation))

    def note_share_current(self, at_ms: int, generation: str | None) -> None:
        """The same, of what this process has to read."""
        self.note_current(at_ms, generation)

    def _note_changes(self, new: Sequence[ParsedRecord]) -> None:
        at_ms = round(time.time() * 1000)
        changed = [(*one, at_ms) for one in list_changes(new)]
        if not changed:
            return
        sql = "INSERT INTO changes (tenant, part, id, at_ms) VALUES (?, ?, ?, ?)"
        self._sql.executemany(sql, changed)
        self._sql.execute(
            "DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?", (KEPT_CHANGES,)
        )

    def _upgrade(self) -> None:
        """If several processes open an old file at once, only the first one creates the tables."""
        with self._transaction():
            if self.meta("version") != VERSION:
                self._create_tables(None)

    def _create_tables(self, cluster: str | None) -> None:
        # A file that was deleted has taken its count along: the clock keeps a new one apart.
        generation = max(int(self.meta("generation") or 0) + 1, round(time.time() * 1000))
        tables = """SELECT name FROM sqlite_master WHERE type = 'table'
            AND name NOT LIKE 'sqlite_%' ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"""
        for table in self.rows(tables):  # a virtual table takes its own tables along
            self._sql.execute(f'DROP TABLE IF EXISTS "{table["name"]}"')
        for statement in filter(str.strip, CREATE.split(";")):
            self._sql.execute(statement)
        meta = {"version": VERSION, "generation": str(generation), "cluster": cluster}
        self._sql.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._sql.execute("COMMIT")
        except BaseException:
            if self._sql.in_transaction:  # on a full or failing disk SQLite has rolled back already
                self._sql.execute("ROLLBACK")
            self._messages.forget()
            self._people.forget()
            raise


_META: Final = """INSERT INTO meta VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value"""


def list_last_rows(new: Sequence[ParsedRecord]) -> list[tuple[str, str]]:
    """Of compacted topics none: there a record may go because a newer one has its key."""
    lasts = {parsed.record.partition: parsed.record for parsed in new}
    return [
        (f"{_LAST_RECORD}{topic}/{number}", json.dumps(_identify(record)))
        for (topic, number), record in lasts.items()
        if not BY_NAME[topic].compacted
    ]


def _identify(record: Record) -> LastRecord:
    return LastRecord(record.offset, record.at_ms, checksum_of(record.key, record.value))


def _create_file(path: Path) -> None:
    """Never open an existing file here. Closing it would release the locks of all connections that
    this process has to it, and the last one to leave would delete the write-ahead log
    (sqlite.org/howtocorrupt.html, 2.2)."""
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
