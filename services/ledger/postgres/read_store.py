"""The ledger's schema for readers alone: a few connections for all threads of a process, none of
which can change it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from services.ledger.location import PostgresLocation
from services.ledger.postgres.connection import Sql
from services.ledger.postgres.store import PostgresStore, begin_snapshot
from services.ledger.postgres.tables import VERSION
from services.ledger.read_store import OtherVersion
from services.ledger.unusable import LedgerUnusable

CONNECTIONS: Final = 8
"""Of a process. Threads that find none wait for one."""
_PATIENCE: Final = 10.0
"""Seconds."""


class PostgresReadStore(PostgresStore):
    def __init__(self, location: PostgresLocation) -> None:
        """Raises FileNotFoundError, OtherVersion or LedgerUnusable."""
        self.location = self._place = location
        self._idle: list[Sql] = []
        self._free = threading.Semaphore(CONNECTIONS)
        self._of_thread = threading.local()
        try:
            if self.rows("SELECT to_regclass('meta') AS meta")[0]["meta"] is None:
                raise FileNotFoundError(location)
            if self.meta("version") != VERSION:
                raise OtherVersion
        except BaseException:
            self.close()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if getattr(self._of_thread, "sql", None) is not None:
            yield
            return
        with self._borrow() as sql, begin_snapshot(sql):
            self._of_thread.sql = sql
            try:
                yield
            finally:
                self._of_thread.sql = None

    def rows(self, sql: str, *values: Any) -> list[Any]:
        with self._borrow() as connection:
            return connection.execute(sql, values).fetchall()

    def each(self, sql: str, *values: Any) -> Iterator[Any]:
        with self._borrow() as connection:
            yield from connection.each(sql, values)

    @contextmanager
    def _borrow(self) -> Iterator[Sql]:
        """This thread's, in a snapshot; otherwise one that nobody uses."""
        held: Sql | None = getattr(self._of_thread, "sql", None)
        if held is not None:
            yield held
            return
        if not self._free.acquire(timeout=_PATIENCE):
            raise LedgerUnusable(
                f"The ledger at {self.location} is asked for too much at once: try again in a "
                "moment"
            )
        try:
            sql = self._take()
            try:
                yield sql
            finally:
                if sql.is_usable:
                    self._idle.append(sql)
                else:
                    sql.close()
        finally:
            self._free.release()

    def _take(self) -> Sql:
        while self._idle:
            sql = self._idle.pop()
            if sql.answers():
                return sql
            sql.close()
        sql = Sql(self._place)
        sql.execute("SET default_transaction_read_only TO on")
        return sql

    def close(self) -> None:
        """Only when no thread reads any more."""
        while self._idle:
            self._idle.pop().close()
