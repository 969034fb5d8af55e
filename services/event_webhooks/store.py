"""The SQLite file: endpoints, deliveries, and the positions read, changed in one transaction.

Theory of operation

The process reads topics and writes, in one transaction, a delivery for each endpoint that wants an
event and how far the topics are read.  So after a crash no event is skipped, and none is written
twice: a delivery is unique by endpoint and event id, and the id is made of the record.

A delivery is pending until an endpoint has answered 2xx, or the schedule is over.  The answer is
written after it came, so a crash in between repeats the delivery, with the same id.

Commands open the same file, and the process notices their changes (`changes_seen`)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from services.ledger.open_store import FILE_ADVICE

FILE: Final = "event-webhooks.sqlite"
VERSION: Final = 1
"""Of the tables."""
LOCK_TIMEOUT: Final = 30
"""Seconds to wait for another process's transaction."""

CREATE: Final = """
CREATE TABLE positions (topic TEXT, part INTEGER, next_off INTEGER NOT NULL,
    last_off INTEGER, last_ms INTEGER, last_sum INTEGER, PRIMARY KEY (topic, part)) WITHOUT ROWID;
CREATE TABLE topics (name TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE endpoints (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL,
    owner TEXT NOT NULL, about TEXT NOT NULL, events TEXT NOT NULL, numbers INTEGER NOT NULL,
    texts INTEGER NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL, secret TEXT NOT NULL,
    old_secret TEXT, old_until_ms INTEGER, failures INTEGER NOT NULL DEFAULT 0,
    failing_since_ms INTEGER, success_ms INTEGER) WITHOUT ROWID;
CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL,
    event TEXT NOT NULL, type TEXT NOT NULL, event_ms INTEGER NOT NULL, body BLOB NOT NULL,
    created_ms INTEGER NOT NULL, state TEXT NOT NULL, failures INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL, tried_ms INTEGER, done_ms INTEGER, status INTEGER, problem TEXT,
    UNIQUE (endpoint, event));
CREATE INDEX deliveries_due ON deliveries (endpoint, next_ms, created_ms) WHERE state = 'pending';
CREATE INDEX deliveries_state ON deliveries (endpoint, state);
CREATE INDEX deliveries_done ON deliveries (done_ms) WHERE done_ms IS NOT NULL;
CREATE INDEX deliveries_at ON deliveries (endpoint, event_ms);
CREATE TABLE changes (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
    endpoint TEXT NOT NULL, tenant TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
    detail TEXT NOT NULL);
CREATE TABLE mails (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL,
    recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL,
    state TEXT NOT NULL);
"""


class StoreError(Exception):
    """One sentence: why the file cannot be used, and what to do."""


class Store:
    """One connection to the file.  Times are milliseconds since 1970."""

    def __init__(self, state: Path) -> None:
        """Make the file if there is none, readable by its owner only: it holds secrets.

        Raises StoreError."""
        self.path = state / FILE
        with self.explain_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _create_file(self.path)
            self._sql = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT, isolation_level=None)
            self._sql.row_factory = sqlite3.Row
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = NORMAL")
            self._sql.execute("PRAGMA secure_delete = ON")
            with self.transaction():
                self._prepare()

    def close(self) -> None:
        self._sql.close()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Raises StoreError."""
        with self.explain_errors():
            return self._sql.execute(sql, values).fetchall()

    def execute(self, sql: str, *values: Any) -> int:
        """How many rows it changed.  Raises StoreError."""
        with self.explain_errors():
            return self._sql.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Any) -> int:
        """The id of the new row.  Raises StoreError."""
        with self.explain_errors():
            return self._sql.execute(sql, values).lastrowid or 0

    def changes_seen(self) -> int:
        """Another number whenever another connection has changed the file."""
        return int(self.rows("PRAGMA data_version")[0][0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, also after a crash.  Raises StoreError."""
        with self.explain_errors():
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:  # on a full disk SQLite has rolled back already
                    self._sql.execute("ROLLBACK")
                raise

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = str(getattr(error, "sqlite_errorname", ""))
            advice = FILE_ADVICE.get("_".join(name.split("_")[:2]), "").replace(
                "delete it, it is rebuilt", "put its last good copy back"
            )
            if not advice:
                raise
            raise StoreError(f"{self.path} cannot be used ({error}): {advice}") from None
        except OSError as error:
            raise StoreError(f"{self.path} cannot be used: {error.strerror or error}") from None

    def _prepare(self) -> None:
        version = self._sql.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(f"A newer version of Sayso has made {self.path}: use that one")
        if version == 0:
            for statement in filter(str.strip, CREATE.split(";")):
                self._sql.execute(statement)
            self._sql.execute(f"PRAGMA user_version = {VERSION}")


def to_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def from_ms(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def _create_file(path: Path) -> None:
    """Never open an existing file here: closing it would release the locks of all connections that
    this process has to it (sqlite.org/howtocorrupt.html, 2.2)."""
    if not path.exists():
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
