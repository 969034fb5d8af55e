"""The console's own SQLite file: users, sessions, sign-in links, who did what
to them, form keys, and files that wait for somebody to confirm their import.

Secrets are kept as hashes only. The file is readable by its owner only (0600).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

FILE: Final = "console.sqlite"
_LOCK_TIMEOUT: Final = 10
"""Seconds to wait for another process's transaction."""

_SET_UP: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY, display_name TEXT NOT NULL, password TEXT, created_at INTEGER NOT NULL,
    disabled_at INTEGER, subject TEXT UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS grants (
    name TEXT NOT NULL, tenant TEXT NOT NULL, branch TEXT NOT NULL, role TEXT NOT NULL,
    PRIMARY KEY (name, tenant, branch, role)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS group_grants (
    name TEXT NOT NULL, tenant TEXT NOT NULL, branch TEXT NOT NULL, role TEXT NOT NULL,
    PRIMARY KEY (name, tenant, branch, role)) STRICT, WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS all_grants AS SELECT * FROM grants UNION SELECT * FROM group_grants;
CREATE TABLE IF NOT EXISTS sessions (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (name);
CREATE TABLE IF NOT EXISTS links (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS form_results (
    name TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, result TEXT,
    PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS form_results_at ON form_results (at);
CREATE TABLE IF NOT EXISTS uploads (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, tenant TEXT NOT NULL, kind TEXT NOT NULL,
    file_name TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL,
    action TEXT NOT NULL, subject TEXT NOT NULL, tenant TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS attempts (
    key TEXT PRIMARY KEY, failures INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS oidc_attempts (
    state TEXT PRIMARY KEY, browser TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL,
    target TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
"""


class Store:
    """One connection, which all threads of the process share; several processes may share the
    file."""

    def __init__(self, state: Path) -> None:
        path = state / FILE
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.RLock()
        self._sql = sqlite3.connect(
            path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        self._sql.row_factory = sqlite3.Row
        self._sql.executescript(_SET_UP)

    def close(self) -> None:
        self._sql.close()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._sql.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> int:
        """Returns how many rows changed."""
        with self._lock:
            return self._sql.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One inside of another is a part of it."""
        with self._lock:
            if self._sql.in_transaction:
                yield
                return
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    def secret(self, name: str) -> bytes:
        """32 random bytes that are made once and kept, for what only this console must read."""
        self.change("INSERT OR IGNORE INTO secrets VALUES (?, ?)", name, os.urandom(32))
        return bytes(self.rows("SELECT value FROM secrets WHERE name = ?", name)[0]["value"])
