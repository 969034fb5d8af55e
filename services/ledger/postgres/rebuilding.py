"""Build the ledger anew beside the one that is read, and put it in its place.

A new schema is filled from the beginning of the topics, while everybody goes on reading the old
one. Then the two are renamed in one transaction. Statements name tables without their schema, so
the next statement of every reader finds the new ones. A reader in a snapshot holds the table `meta`
until it has read all that it wanted: the new schema waits for it, and its pages never mix the two.
"""

from __future__ import annotations

import time
from typing import Final

from psycopg import errors
from psycopg.sql import SQL, Identifier

from services.ledger.postgres.connection import Sql
from services.ledger.postgres.shares import lock_number
from services.ledger.postgres.tables import CREATE, VERSION

_BESIDE: Final = "_next"
_BEFORE: Final = "_before"
"""Ends of names of schemas."""
_LOCK_MS: Final = 200
"""For which readers wait behind a rebuild that waits for another reader."""
_TABLES: Final = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = ?"
_PAUSE: Final = 0.2
"""Seconds until it tries again."""


class Rebuilding:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._schema = sql.location.schema
        self._lock = lock_number(self._schema, "rebuild")
        self.is_under_way = False
        """By this process."""

    def try_begin(self) -> bool:
        """Whether it is this process that rebuilds. Another one may do it already."""
        sql = "SELECT pg_try_advisory_lock(?)"
        return bool(self._sql.value(sql, (self._lock,)))

    def start(self, cluster: str | None) -> None:
        """From now on this connection works in the new schema."""
        self._sql.enter(self._schema)
        before = self._sql.value("SELECT value FROM meta WHERE name = 'generation'")
        beside = self._schema + _BESIDE
        with self._sql.transaction():
            self._drop(beside)
            _create(self._sql, beside, int(before or 0), cluster)
        self._sql.enter(beside)
        self.is_under_way = True

    def finish(self) -> None:
        """Put it in the place of the old one."""
        old, new = self._schema + _BEFORE, self._schema + _BESIDE
        for row in self._sql.execute(_TABLES, (new,)).fetchall():
            self._sql.connection.execute(SQL("ANALYZE {}").format(Identifier(row["name"])))
        self._drop_later(old)
        while not self._swap(old, new):
            time.sleep(_PAUSE)
        self._sql.enter(self._schema)
        self.is_under_way = False
        self._sql.execute("SELECT pg_advisory_unlock(?)", (self._lock,))
        self._drop_later(old)

    def _swap(self, old: str, new: str) -> bool:
        rename = SQL("ALTER SCHEMA {} RENAME TO {}")
        here = Identifier(self._schema)
        try:
            with self._sql.connection.transaction():
                self._sql.connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
                self._sql.connection.execute(
                    SQL("LOCK TABLE {}.meta IN ACCESS EXCLUSIVE MODE").format(here)
                )
                self._sql.connection.execute(rename.format(here, Identifier(old)))
                self._sql.connection.execute(rename.format(Identifier(new), here))
        except errors.LockNotAvailable:
            return False
        return True

    def _drop_later(self, schema: str) -> None:
        """Now, unless somebody still reads it: then before the next rebuild."""
        try:
            with self._sql.connection.transaction():
                self._sql.connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
                self._drop(schema)
        except errors.LockNotAvailable:
            return

    def _drop(self, schema: str) -> None:
        drop = SQL("DROP SCHEMA IF EXISTS {} CASCADE")
        self._sql.connection.execute("SET LOCAL client_min_messages TO warning")
        self._sql.connection.execute(drop.format(Identifier(schema)))


def create_schema(sql: Sql, lock: int) -> None:
    """Where there is none yet. If several processes come at once, one creates it."""
    with sql.transaction():
        sql.execute("SELECT pg_advisory_xact_lock(?)", (lock,))
        if sql.value("SELECT to_regclass('meta')") is None:
            _create(sql, sql.location.schema, 0, None)


def _create(sql: Sql, schema: str, generation: int, cluster: str | None) -> None:
    # A schema that was dropped has taken its count along: the clock keeps a new one apart.
    generation = max(generation + 1, round(time.time() * 1000))
    here = Identifier(schema)
    sql.connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(here))
    sql.connection.execute(SQL("SET LOCAL search_path TO {}").format(here))
    sql.connection.execute(CREATE)
    meta = {"version": VERSION, "generation": str(generation), "cluster": cluster}
    for name, value in meta.items():
        sql.execute("INSERT INTO meta VALUES (?, ?)", (name, value))
