"""Which event ids have been used, and for what: a small file beside the ledger.

The gate refuses another claim under a used id, but in its log only; this is how the caller hears of it.
Nothing depends on it: lose the file and a repeat goes to Kafka again, where it changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from schemas.consent import ConsentEvent

FILE: Final = "consent-ids.sqlite"
REMEMBER: Final = timedelta(days=35)
"""A caller that has not had its answer by then has stopped trying."""

_CREATE = """CREATE TABLE IF NOT EXISTS ids (tenant TEXT, event_id TEXT, said TEXT, published INTEGER, at INTEGER,
    PRIMARY KEY (tenant, event_id)) WITHOUT ROWID"""
_INDEX = "CREATE INDEX IF NOT EXISTS ids_at ON ids (at)"


class Ids:
    """Written before Kafka is asked: what was not confirmed may still arrive, so its id is taken from then on."""

    def __init__(self, state: Path) -> None:
        path = state / FILE
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._sql = sqlite3.connect(path, timeout=5, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            _CREATE,
            _INDEX,
        ):
            self._sql.execute(statement)

    def close(self) -> None:
        self._sql.close()

    def take(self, event: ConsentEvent, now: datetime) -> str:
        """`new` (publish it), `again` (the same, not confirmed yet: publish it), `done` (the same, and Kafka has it),
        or `other` (the id was used for something else)."""
        said = _said(event)
        self._sql.execute("DELETE FROM ids WHERE at < ?", (_seconds(now - REMEMBER),))
        taken = self._sql.execute(
            "INSERT INTO ids VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
            (event.tenant, event.event_id, said, _seconds(now)),
        )
        if taken.rowcount:
            return "new"
        sql = "SELECT said, published FROM ids WHERE tenant = ? AND event_id = ?"
        before, published = self._sql.execute(sql, (event.tenant, event.event_id)).fetchone()
        return "other" if before != said else "done" if published else "again"

    def published(self, event: ConsentEvent) -> None:
        sql = "UPDATE ids SET published = 1 WHERE tenant = ? AND event_id = ?"
        self._sql.execute(sql, (event.tenant, event.event_id))


def _said(event: ConsentEvent) -> str:
    """What makes two calls the same: everything but the key they came with, which a tenant may renew in between."""
    evidence = event.evidence.model_copy(update={"key_id": None})
    return hashlib.sha256(
        event.model_copy(update={"evidence": evidence}).model_dump_json().encode()
    ).hexdigest()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
