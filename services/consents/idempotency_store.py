"""Which event ids have been used, and for what: a small SQLite file beside the ledger.

The gate also refuses another claim under a used id, but only in its log. With this file the caller
gets an answer. Nothing depends on the file: without it a repeat goes to Kafka again, where it
changes nothing.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Final

from schemas.consent import ConsentEvent
from schemas.text_hash import sha256_hex

FILE: Final = "consent-ids.sqlite"
RETENTION: Final = timedelta(days=35)
"""A caller that has had no answer by then has stopped trying."""

_SET_UP: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    """CREATE TABLE IF NOT EXISTS ids (tenant TEXT, event_id TEXT, said TEXT, published INTEGER,
    at INTEGER, PRIMARY KEY (tenant, event_id)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS ids_at ON ids (at)",
)


class Reservation(Enum):
    NEW = auto()
    """Publish it."""
    UNCONFIRMED = auto()
    """The same event as before, which Kafka has not confirmed yet: publish it."""
    PUBLISHED = auto()
    """The same event as before, and Kafka has it."""
    CONFLICT = auto()
    """The id was used for another event."""


class IdempotencyStore:
    """An id is reserved before the event is published: what Kafka has not confirmed may still
    arrive."""

    def __init__(self, state: Path) -> None:
        path = state / FILE
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._sql = sqlite3.connect(path, timeout=5, isolation_level=None)
        for statement in _SET_UP:
            self._sql.execute(statement)

    def close(self) -> None:
        self._sql.close()

    def reserve(self, event: ConsentEvent, now: datetime) -> Reservation:
        content = _hash_content(event)
        oldest = int((now - RETENTION).timestamp())
        self._sql.execute("DELETE FROM ids WHERE at < ?", (oldest,))
        inserted = self._sql.execute(
            "INSERT INTO ids VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
            (event.tenant, event.event_id, content, int(now.timestamp())),
        )
        if inserted.rowcount:
            return Reservation.NEW
        sql = "SELECT said, published FROM ids WHERE tenant = ? AND event_id = ?"
        before, published = self._sql.execute(sql, (event.tenant, event.event_id)).fetchone()
        if before != content:
            return Reservation.CONFLICT
        return Reservation.PUBLISHED if published else Reservation.UNCONFIRMED

    def mark_published(self, event: ConsentEvent) -> None:
        sql = "UPDATE ids SET published = 1 WHERE tenant = ? AND event_id = ?"
        self._sql.execute(sql, (event.tenant, event.event_id))


def _hash_content(event: ConsentEvent) -> str:
    """Two calls are the same if all but the API key is equal: a tenant may replace its key in
    between."""
    evidence = event.evidence.model_copy(update={"key_id": None})
    return sha256_hex(event.model_copy(update={"evidence": evidence}).model_dump_json())
