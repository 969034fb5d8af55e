"""The large ledger of `big_ledger`, in a PostgreSQL database:

    python -m tests.bench.big_postgres URL --messages 10000000

One that is there already, of this version and size, is used as it is. Its schema is dropped by
whoever made it: 10 million messages take some 30 GB.

As there, a part of the messages is made by the product's own models and written by the ledger's own
statements, into a file: two ledgers with the same records have the same rows. These are copied. The
server makes the other messages of their rows, in the order of their requests, which is the order in
which a projector would have written them. They have other ids, people and times, and the same
distribution among tenants, branches, kinds and states. The ledger is for reading only."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from services.ledger.ledger import FILE
from services.ledger.location import PostgresLocation, read_location
from services.ledger.postgres.store import PostgresStore
from services.ledger.postgres.tables import VERSION
from services.ledger.postgres.words import split_texts
from services.ledger.store import Store
from tests.bench.big_ledger import (
    BUSY,
    CHANGED,
    DAYS,
    Size,
    add_size,
    read_size,
    write_everything,
)

MADE_BY: Final = 1
"""Raise it when the same size gives another ledger."""
COPIED: Final = ("requests", "decisions", "outcome_history", "outcomes", "alerts", "texts")
TALKS: Final = 40
"""Copies of which the busy person has a text each: their conversation has 5,000, however many
messages there are."""
_MARK: Final = "big_ledger"


def fill(location: PostgresLocation, size: Size) -> None:
    wanted = json.dumps({"version": VERSION, "made_by": MADE_BY, **size._asdict()})
    store = PostgresStore(location)
    try:
        if store.meta(_MARK) == wanted:
            return
        if store.rows("SELECT 1 FROM outcomes LIMIT 1"):
            raise SystemExit(f"{location} has another ledger: drop its schema first")
        sql = store._sql.connection
        _write_seed(sql, location.schema, size)
        sql.execute("SET maintenance_work_mem TO '1GB'")
        sql.execute("SET jit TO off")
        sql.execute(_PEOPLE_OF)
        sql.execute("ANALYZE people_of")
        for table in COPIED:
            began = time.perf_counter()
            _copy(sql, location.schema, table, size)
            print(f"{table}: {time.perf_counter() - began:.0f} s", flush=True)
        sql.execute("UPDATE facets SET count = count * %s", (size.copies,))
        sql.execute("VACUUM ANALYZE")
        sql.execute("INSERT INTO meta VALUES (%s, %s)", (_MARK, wanted))
    finally:
        store.close()


def _write_seed(sql: Any, schema: str, size: Size) -> None:
    with tempfile.TemporaryDirectory(prefix="sayso-big-") as folder:
        file = Store(Path(folder) / FILE)
        file._sql.execute("PRAGMA synchronous = OFF")
        write_everything(file, size)
        for (table,) in sql.execute(_TABLES, (schema, [*_OWN])).fetchall():
            names = ", ".join(_list_columns(sql, schema, table))
            rows: Iterable[Any] = file._sql.execute(
                _SEED.get(table, f"SELECT {names} FROM {table}")
            )
            if table == "texts":
                rows = _add_words(rows.fetchall())
            with sql.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(tuple(row))
        file.close()


def _list_columns(sql: Any, schema: str, table: str) -> list[str]:
    """Quoted, without those that the database fills itself."""
    columns = [row[0] for row in sql.execute(_COLUMNS, (schema, table))]
    if table in _NUMBERED_BY_ITSELF:
        columns.remove("rowid")
    return [f'"{one}"' for one in columns]


def _add_words(rows: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    words = split_texts((row[0], row[3]) for row in rows)
    return ((*row[:3], words.get(row[0], [])) for row in rows)


def _copy(sql: Any, schema: str, table: str, size: Size) -> None:
    """Every row of the table becomes `size.copies` rows. Indexes are made afterwards, all at
    once."""
    columns = _list_columns(sql, schema, table)
    names = ", ".join(columns)
    changed = ", ".join(_CHANGED.get(one.strip('"'), f"o.{one}") for one in columns)
    of_schema = (schema, table)
    constraints = sql.execute(_CONSTRAINTS, of_schema).fetchall()
    indexes = sql.execute(_INDEXES, of_schema).fetchall()
    step_ms = DAYS * 86_400_000 * size.copies // size.messages
    given = {**size._asdict(), "copies": size.copies, "busy": BUSY, "talks": TALKS, "step": step_ms}
    with sql.transaction():
        sql.execute(f"CREATE TEMP TABLE seed ON COMMIT DROP AS SELECT * FROM {table}")
        sql.execute("ANALYZE seed")
        for name, _ in constraints:
            sql.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            sql.execute(f"DROP INDEX {name}")
        sql.execute(f"TRUNCATE {table} RESTART IDENTITY")
        sql.execute(_MAKE.format(table=table, names=names, changed=changed), given)
        for name, how in constraints:
            sql.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {how}")
        for _, how in indexes:
            sql.execute(how)


_OWN: Final = ("positions", "unreadable", "meta", "followers")
"""Tables of the database alone."""
_NUMBERED_BY_ITSELF: Final = frozenset(
    [
        "requests",
        "person_requests",
        "decisions",
        "outcome_history",
        "consent_log",
        "replies",
        "thread_events",
        "number_facts",
        "mail_requests",
    ]
)
_SEED: Final = {
    "texts": """SELECT t.key, t.tenant, t.message_id, json_extract(r.json, '$.body')
        FROM texts t CROSS JOIN requests r INDEXED BY requests_lookup
        ON r.message_id = t.message_id AND r.tenant = t.tenant ORDER BY t.key"""
}
_TABLES: Final = (
    "SELECT tablename::text FROM pg_tables WHERE schemaname = %s AND tablename <> ALL(%s)"
)
_COLUMNS: Final = """SELECT column_name::text FROM information_schema.columns
    WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'
    ORDER BY ordinal_position"""
_CONSTRAINTS: Final = """SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND contype = 'p'"""
_INDEXES: Final = """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index i
    WHERE i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND NOT i.indisprimary"""
_PEOPLE_OF: Final = """CREATE TEMP TABLE people_of AS SELECT message_id, person_id, number,
    substr(person_id, 3)::int AS n FROM outcomes"""
"""Whose each message is that the others are made of."""
_MAKE: Final = """INSERT INTO {table} ({names}) SELECT {changed} FROM
    (SELECT s.*, s.message_id AS old_id, p.person_id AS old_person, p.number AS old_number,
        p.n AS old_n, k,
        CASE k WHEN 0 THEN s.message_id ELSE 'c' || k || substr(s.message_id, 2) END AS new_id,
        k * %(step)s::bigint / %(copies)s AS later, %(copies)s::bigint AS copies
        FROM seed s JOIN people_of p USING (message_id)
        CROSS JOIN generate_series(0, %(copies)s - 1) AS k
        ORDER BY s.message_id, k) o
    CROSS JOIN LATERAL (SELECT CASE WHEN old_n = %(busy)s AND k < %(talks)s THEN old_n
        ELSE (old_n + k * %(cases)s::bigint) %% %(people)s END AS n OFFSET 0) x
    CROSS JOIN LATERAL (SELECT 'p-' || lpad(n::text, 6, '0') AS new_person,
        '+1' || 212 + n %% 500 || '555' || lpad((n / 500)::text, 4, '0') AS new_number OFFSET 0) y"""
"""Person and number as `big_ledger` writes them."""
_CHANGED: Final = CHANGED | {
    "off": "off * copies + k",
    "rowid": "(o.rowid - 1) * copies + k + 1",
    "key": "((((o.key >> 20) + later) << 20) | ((o.key + k) & 1048575))",
}
"""In the order in which a projector would have written the messages."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.big_postgres", description=__doc__)
    parser.add_argument("url", help="as in SAYSO_LEDGER_URL")
    add_size(parser)
    given = parser.parse_args()
    location = read_location(given.url)
    began = time.perf_counter()
    fill(location, read_size(given))
    print(f"{location}: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
