"""Connections to the database, which take the ledger's own statements."""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.sql import SQL, Identifier

from services.ledger.location import PostgresLocation
from services.ledger.postgres.sql import prepare
from services.ledger.unusable import LedgerUnusable

_CONNECT_TIMEOUT: Final = 10
"""Seconds."""
_AT_ONCE: Final = 2000
"""Rows that are fetched at once of a long result."""
_REMEMBERED: Final = 512
_OF_WORDS: Final = "@>"
"""In a search for words. Its plan depends on how common they are, so it is made for the values each
time: one for all values took seconds."""


class Row(tuple[Any, ...]):
    """As SQLite's: a value by its place or by its name."""

    __slots__ = ()
    _places: dict[str, int] = {}

    def keys(self) -> list[str]:
        return [*self._places]

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self._places[key] if isinstance(key, str) else key)


@lru_cache(maxsize=_REMEMBERED)
def _row_class(names: tuple[str, ...]) -> type[Row]:
    places = {name: place for place, name in enumerate(names)}
    return type("NamedRow", (Row,), {"__slots__": (), "_places": places})


def _make_rows(cursor: Any) -> Any:
    if cursor.description is None:
        return Row
    return _row_class(tuple(column.name for column in cursor.description))


class _TruthDumper(Dumper):
    """Truth is 0 or 1, as it is to SQLite."""

    oid = 20  # bigint

    def dump(self, obj: Any) -> Buffer | None:
        return b"1" if obj else b"0"


class _NumberLoader(Loader):
    """A sum of whole numbers is a whole number."""

    def load(self, data: Buffer) -> int | float:
        number = Decimal(bytes(data).decode())
        return int(number) if number == number.to_integral_value() else float(number)


class Sql:
    """A connection in the ledger's schema. It speaks as SQLite's does where the ledger asks it."""

    def __init__(self, location: PostgresLocation) -> None:
        """Raises LedgerUnusable."""
        self.location = location
        self._named = 0
        with self.explain():
            self.connection: psycopg.Connection[Any] = psycopg.connect(
                location.url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT,
                application_name="sayso",
                row_factory=_make_rows,
            )
            if self.connection.info.parameter_status("server_encoding") != "UTF8":
                self.connection.close()
                raise LedgerUnusable(
                    f"The ledger at {location} cannot be used: its database is not in UTF8"
                )
            adapters = self.connection.adapters
            adapters.register_dumper(bool, _TruthDumper)
            adapters.register_loader("numeric", _NumberLoader)
            self.enter(location.schema)

    def enter(self, schema: str) -> None:
        """Names without a schema are of this one from now on."""
        self.connection.execute(SQL("SET search_path TO {}").format(Identifier(schema)))

    def execute(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        text, given = prepare(sql, tuple(values))
        is_kept = False if _OF_WORDS in text else None
        with self.explain():
            return self.connection.execute(text, given or None, prepare=is_kept)

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first of the first row; None where there is no row."""
        found = self.execute(sql, values).fetchone()
        return None if found is None else found[0]

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """In one trip, whatever the number of rows: their values' types may differ."""
        several = [tuple(row) for row in rows]
        if not several:
            return
        with self.explain(), self.connection.pipeline(), self.connection.cursor() as cursor:
            for row in several:
                text, given = prepare(sql, row)
                cursor.execute(text, given)

    def cursor(self) -> Sql:
        return self

    def each(self, sql: str, values: Sequence[Any]) -> Iterator[Row]:
        """Row by row. Outside of a transaction the server keeps the result until it is read."""
        text, given = prepare(sql, tuple(values))
        self._named += 1
        cursor = self.connection.cursor(f"each_{self._named}", withhold=not self.in_transaction)
        with self.explain(), cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(text, given)
            yield from cursor

    @property
    def in_transaction(self) -> bool:
        return bool(self.connection.info.transaction_status)

    @property
    def is_usable(self) -> bool:
        return not self.connection.closed and not self.connection.broken

    def answers(self) -> bool:
        """Whether the server is still there, as far as this machine knows. Of a connection that
        nobody uses there is nothing to read, unless it ended."""
        if not self.is_usable:
            return False
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not waiting.poll(0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.explain(), self.connection.transaction():
            yield

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def explain(self) -> Iterator[None]:
        """Turn an error that the server or the network caused into LedgerUnusable."""
        try:
            yield
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise LedgerUnusable(self._describe(error, "look at the server")) from None
        except errors.InsufficientPrivilege as error:
            advice = "give its user the right to create schemas in the database"
            raise LedgerUnusable(self._describe(error, advice)) from None
        except (errors.ReadOnlySqlTransaction, errors.DiskFull) as error:
            raise LedgerUnusable(self._describe(error, "look at the server")) from None

    def _describe(self, error: Exception, advice: str) -> str:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"The ledger at {self.location} cannot be used ({first}): {advice}"
