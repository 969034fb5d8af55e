"""Which calls came before, and what became of them: a small SQLite file beside the ledger.

Processors recognise a repeat as well, but only in their logs. With this file the caller gets an
answer. Nothing depends on the file: without it a repeat goes to Kafka again, where it changes
nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = "api-calls.sqlite"
RETENTION: Final = timedelta(days=35)
"""A caller that has had no answer by then has stopped trying."""
_PRUNE_EVERY: Final = 60
"""Seconds."""

_SET_UP: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    """CREATE TABLE IF NOT EXISTS calls (tenant TEXT NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL, at INTEGER NOT NULL, done INTEGER NOT NULL, answer TEXT,
    PRIMARY KEY (tenant, name)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS calls_at ON calls (at)",
)


class Claim(NamedTuple):
    """A call under its identity."""

    tenant: str
    name: str
    """The identity, with what it is one of: `message/crm-1`."""
    body: bytes
    """The SHA-256 of what the call says."""

    @property
    def identity(self) -> tuple[str, str]:
        return self.tenant, self.name


class Kept(NamedTuple):
    """What the file has under an identity."""

    body: bytes
    done: bool
    """Kafka has confirmed it."""
    answer: str | None
    """The answer, where it cannot be made again from the call."""


class IdempotencyStore:
    """An identity is reserved before the record is published: what Kafka has not confirmed may
    still arrive. It is used by one thread at a time."""

    def __init__(self, state: Path) -> None:
        path = state / FILE
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._sql = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        self._pruned_at = 0
        for statement in _SET_UP:
            self._sql.execute(statement)

    def close(self) -> None:
        self._sql.close()

    def reserve(
        self,
        claims: Sequence[Claim],
        done: Iterable[tuple[Claim, str | None]],
        refused: Iterable[Claim],
        now: int,
    ) -> list[Kept | None]:
        """In one transaction: note the answers of `done`, forget what was refused, and reserve the
        claims.

        Returns for each claim what came before it; None: nothing. `now` in seconds.
        """
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            self._sql.executemany(
                "UPDATE calls SET done = 1, answer = ? WHERE tenant = ? AND name = ?",
                [(answer, *claim.identity) for claim, answer in done],
            )
            self._sql.executemany(
                "DELETE FROM calls WHERE tenant = ? AND name = ? AND NOT done",
                [claim.identity for claim in refused],
            )
            self._prune(now)
            found = [self._reserve(claim, now) for claim in claims]
            self._sql.execute("COMMIT")
        except BaseException:
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")
            raise
        return found

    def _reserve(self, claim: Claim, now: int) -> Kept | None:
        inserted = self._sql.execute(
            "INSERT INTO calls VALUES (?, ?, ?, ?, 0, NULL) ON CONFLICT DO NOTHING",
            (*claim, now),
        )
        if inserted.rowcount:
            return None
        sql = "SELECT body, done, answer FROM calls WHERE tenant = ? AND name = ?"
        body, done, answer = self._sql.execute(sql, claim.identity).fetchone()
        return Kept(body, bool(done), answer)

    def _prune(self, now: int) -> None:
        if now - self._pruned_at >= _PRUNE_EVERY:
            oldest = now - int(RETENTION.total_seconds())
            self._sql.execute("DELETE FROM calls WHERE at < ?", (oldest,))
            self._pruned_at = now
