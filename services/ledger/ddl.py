"""The SQL that makes and fills the tables, spelled once from `services.ledger.tables`."""

from __future__ import annotations

import hashlib

from services.ledger.tables import TABLES, Table

FOLD = 1
"""Raise it when rows come out different though the tables look the same: old files are then rebuilt."""

_OWN = """
CREATE TABLE positions (topic TEXT, part INTEGER, next_off INTEGER, PRIMARY KEY (topic, part)) WITHOUT ROWID;
CREATE TABLE unreadable (topic TEXT, part INTEGER, off INTEGER, why TEXT, PRIMARY KEY (topic, part, off));
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


def _create(table: Table) -> str:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    identity, key = (
        ("identity TEXT, rank INTEGER, ", "identity") if table.latest else ("", "part, off")
    )
    sql = f"CREATE TABLE {table.name} ({identity}part INTEGER, off INTEGER, at_ms INTEGER, {columns}, json TEXT, "
    sql += f"PRIMARY KEY ({key}));\n"
    if table.lookup:
        sql += f"CREATE INDEX {table.name}_lookup ON {table.name} ({', '.join(table.lookup)});\n"
    if table.sparse:
        of = f"{', '.join(table.sparse)}) WHERE {table.sparse[0]} IS NOT NULL"
        sql += f"CREATE INDEX {table.name}_sparse ON {table.name} ({of};\n"
    if table.period:
        sql += f"CREATE INDEX {table.name}_period ON {table.name} ({', '.join(table.period)});\n"
    if table.by_time:
        sql += f"CREATE INDEX {table.name}_by_time ON {table.name} (at_ms);\n"
    return sql


CREATE = _OWN + "".join(_create(table) for table in TABLES)
VERSION = hashlib.sha256(f"{FOLD} {CREATE}".encode()).hexdigest()[:12]


def upsert(table: Table) -> str:
    names = ["part", "off", "at_ms", *table.columns, "json"]
    if table.latest:
        names = ["identity", "rank", *names]
    quoted = ", ".join(f'"{name}"' for name in names)
    sql = f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))}) ON CONFLICT DO "
    if not table.latest:
        return sql + "NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    return sql + f"UPDATE SET {changes} WHERE excluded.rank >= rank"


def bury(table: Table) -> str:
    """A tombstone takes the row away, unless a later record wrote it."""
    return f"DELETE FROM {table.name} WHERE identity = ? AND part = ? AND off < ?"
