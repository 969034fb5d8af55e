"""The ledger's file for readers alone: one connection a thread, none of which can change it.

A reader in WAL mode sees the file as it was when its statement, or its snapshot, began. It waits
for no writer, and no writer waits for it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

from services.ledger.store import Store
from services.ledger.tables import VERSION

_TIMEOUT: Final = 5
"""Seconds. Only a writer that recovers the file after a crash holds a reader up."""
_CACHE_KIB: Final = 32 << 10
"""Of each thread."""
_MAPPED: Final = 16 << 30
"""Bytes of the file that are read in place: lists look at rows all over it, and a call of the
system for each page cost half of their time. The file never gets shorter."""


class OtherVersion(Exception):
    """Another version of Sayso has made the tables."""


class ReadStore(Store):
    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError or OtherVersion."""
        if not path.exists():
            raise FileNotFoundError(path)
        self.path = path
        self.location = path
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        if self.meta("version") != VERSION:
            self.close()
            raise OtherVersion

    @property
    def _sql(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._of_thread, "sql", None)
        if found is None:
            found = self._of_thread.sql = self._connect()
        return found

    def _connect(self) -> sqlite3.Connection:
        # `close` comes from one thread for all of them.
        sql = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
        )
        sql.row_factory = sqlite3.Row
        sql.execute("PRAGMA query_only = ON")
        sql.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        sql.execute(f"PRAGMA mmap_size = {_MAPPED}")
        with self._lock:
            self._connections.append(sql)
        return sql

    def close(self) -> None:
        """Only when no thread reads any more."""
        with self._lock:
            while self._connections:
                self._connections.pop().close()
        self._of_thread = threading.local()
