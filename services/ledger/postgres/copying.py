"""Write many rows at once: COPY, and for tables of the latest version COPY into a staging table
that is merged with one statement.

The process that writes holds the ledger's lock, and its positions were compared before. So no
record is there already, and what records alone make is copied straight into its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.ledger.postgres.connection import Sql
from services.ledger.postgres.sql import clean
from services.ledger.postgres.tables import NUMBERED, columns_of, type_of
from services.ledger.projection import UPSERT, Values
from services.ledger.table import Table
from services.ledger.tables import TABLES

_BY_STATEMENT: Final = {UPSERT[table.name]: table for table in TABLES}
_FEW: Final = 20
"""Rows of a table of the latest version that are written one by one: a staging table costs more."""


class TableWriter:
    """Takes the place of the connection where rows are written: it knows the statements of tables,
    and runs all others as they are."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._staged: set[str] = set()
        self.has_zeros = False
        """Some text of this batch has a character 0."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._sql.execute(sql, values)

    def cursor(self) -> TableWriter:
        return self

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        table = _BY_STATEMENT.get(sql)
        several = [*rows]
        if not several:
            return
        if table is None or (table.latest and table.name not in NUMBERED and len(several) < _FEW):
            self._sql.executemany(sql, several)
        elif table.latest is None:
            self.copy(table.name, columns_of(table), several)
        else:
            self._merge(table, several)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Values]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        given = (tuple(map(clean, row)) for row in rows) if self.has_zeros else rows
        with (
            self._sql.explain(),
            self._sql.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in given:
                copy.write_row(row)

    def _merge(self, table: Table, rows: Sequence[Values]) -> None:
        columns = columns_of(table)
        staging = f"staged_{table.name}"
        if table.name not in self._staged:
            kinds = ", ".join(f'"{name}" {type_of(table.name, name)}' for name in columns)
            self._sql.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {staging} "
                f"(place BIGINT GENERATED ALWAYS AS IDENTITY, {kinds}) ON COMMIT DELETE ROWS"
            )
            self._staged.add(table.name)
        self.copy(staging, columns, rows)
        values = ", ".join(f's."{name}"' for name in columns)
        changes = ", ".join(f'"{name}" = s."{name}"' for name in columns[1:])
        self._sql.execute(
            f"UPDATE {table.name} t SET {changes} FROM {staging} s "
            "WHERE t.identity = s.identity AND s.rank >= t.rank"
        )
        names = ", ".join(f'"{name}"' for name in columns)
        if table.name in NUMBERED:
            names = f"rowid, {names}"
            values = (
                f"(SELECT coalesce(max(rowid), 0) FROM {table.name}) "
                f"+ row_number() OVER (ORDER BY s.place), {values}"
            )
        self._sql.execute(
            f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {staging} s WHERE NOT EXISTS "
            f"(SELECT 1 FROM {table.name} t WHERE t.identity = s.identity) ORDER BY s.place"
        )
