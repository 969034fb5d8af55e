"""The SQLite file: rows and the positions they came from, changed together or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from services.ledger.ddl import CREATE, VERSION
from services.ledger.fold import Place, Read, statements

_WAIT = 30
"""Seconds to wait for another folder's transaction."""


class Superseded(Exception):
    """Another process rebuilt the file since this one looked: take the positions afresh and go on."""


class Store:
    """Several processes may fold into one file: every change re-reads the positions inside its own transaction, so a
    record counts once, whoever comes first.  `generation` changes when the file is rebuilt."""

    def __init__(self, path: Path, *, existing: bool = False) -> None:
        """Creates the file for its owner only (0600): it holds numbers and texts.  `existing`: FileNotFoundError
        if there is none."""
        self.path = path
        if existing and not path.exists():
            raise FileNotFoundError(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path)
        self._sql = sqlite3.connect(path, timeout=_WAIT, isolation_level=None)
        self._sql.row_factory = sqlite3.Row
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
        if self.meta("version") != VERSION:
            self._renew()

    def close(self) -> None:
        self._sql.close()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._sql.execute(sql, values).fetchall()

    def each(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """Row by row, for what may be long."""
        yield from self._sql.execute(sql, values)

    def meta(self, name: str) -> str | None:
        if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            return None
        found = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return found[0]["value"] if found else None

    def positions(self) -> dict[Place, int]:
        found = self.rows("SELECT topic, part, next_off FROM positions")
        return {Place(row["topic"], row["part"]): row["next_off"] for row in found}

    def rebuild(self, cluster: str | None) -> None:
        """Empty the file and make its tables anew, for this cluster's topics."""
        with self._changing():
            self._make(cluster)

    def _renew(self) -> None:
        """Of several that open an old file at once, one makes it anew."""
        with self._changing():
            if self.meta("version") != VERSION:
                self._make(None)

    def _make(self, cluster: str | None) -> None:
        generation = int(self.meta("generation") or 0) + 1
        tables = self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for table in tables:
            self._sql.execute(f'DROP TABLE "{table["name"]}"')
        for statement in filter(str.strip, CREATE.split(";")):
            self._sql.execute(statement)
        facts = {"version": VERSION, "generation": str(generation), "cluster": cluster}
        self._sql.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())

    def claim(self, cluster: str) -> None:
        """Say whose topics these are, where nobody has yet."""
        self._sql.execute(
            "UPDATE meta SET value = ? WHERE name = 'cluster' AND value IS NULL", (cluster,)
        )

    def fold(
        self, batch: Sequence[Read], reached: Mapping[Place, int], generation: str | None
    ) -> int:
        """Take a batch in; `reached` tells how far its partitions were read.  Returns how many records were new.
        Raises Superseded."""
        with self._changing():
            if self.meta("generation") != generation or self.meta("version") != VERSION:
                raise Superseded
            done = self.positions()
            new = [item for item in batch if item.entry.offset >= done.get(item.entry.place, 0)]
            for sql, rows in statements(new).items():
                self._sql.executemany(sql, rows)
            ahead = [(*place, to) for place, to in reached.items() if to > done.get(place, -1)]
            self._sql.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", ahead)
        return len(new)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """SQLite has rolled back by itself where the disk is full or fails."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._sql.execute("COMMIT")
        except BaseException:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise


def _create(path: Path) -> None:
    """Never opens a file that is there: to close it would give up the locks of all connections that this process has
    to it, and who leaves last would take the write-ahead log from under them (sqlite.org/howtocorrupt.html, 2.2)."""
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
