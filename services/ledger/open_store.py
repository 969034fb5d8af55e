"""Open the ledger where it is, and say what is wrong with its file or its server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from services.ledger.location import Location, PostgresLocation
from services.ledger.read_store import ReadStore
from services.ledger.store import Store
from services.ledger.unusable import LedgerError, LedgerUnusable

FILE_ADVICE: Final = {
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_IOERR": "look at its disk",
    "SQLITE_BUSY": "another process is using it, try again in a moment",
    "SQLITE_LOCKED": "another process is using it, try again in a moment",
    "SQLITE_READONLY": "give its owner the right to write there",
    "SQLITE_CANTOPEN": "give its owner the right to write there",
    "SQLITE_PERM": "give its owner the right to write there",
    "SQLITE_CORRUPT": "delete it, it is rebuilt",
    "SQLITE_NOTADB": "delete it, it is rebuilt",
}
"""By the first two words of SQLite's error name (sqlite.org/rescode.html). Any other error is a bug
of ours."""


def open_store(location: Location, *, existing: bool) -> Store:
    if isinstance(location, PostgresLocation):
        _require_driver()
        from services.ledger.postgres.store import PostgresStore  # noqa: PLC0415

        return PostgresStore(location, existing=existing)
    return Store(location, existing=existing)


def open_store_for_reading(location: Location) -> Store:
    if isinstance(location, PostgresLocation):
        _require_driver()
        from services.ledger.postgres.read_store import PostgresReadStore  # noqa: PLC0415

        return PostgresReadStore(location)
    return ReadStore(location)


def _require_driver() -> None:
    """It is in an extra: a ledger in a file needs no driver."""
    if find_spec("psycopg") is None:
        raise LedgerError(
            "SAYSO_LEDGER_URL needs the PostgreSQL driver: pip install 'sayso[postgres]'"
        )


@contextmanager
def explain_store_errors(location: Location) -> Iterator[None]:
    """Turn an error that the file, its disk or its server caused into a LedgerError."""
    try:
        yield
    except LedgerUnusable as error:
        raise LedgerError(str(error)) from None
    except sqlite3.Error as error:
        name = str(getattr(error, "sqlite_errorname", ""))
        advice = FILE_ADVICE.get("_".join(name.split("_")[:2]))
        if advice is None:
            raise
        raise LedgerError(f"The ledger at {location} cannot be used ({error}): {advice}") from None
