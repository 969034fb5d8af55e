"""Which topic fills which table, and the SQL of it. To add a table, add it to `TABLES`: old files
rebuild themselves.

Every row also has the record's partition (`part`), offset (`off`), time (`at_ms`) and value
(`json`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

from schemas import topics
from schemas.numbers import e164
from services.ledger.case_tables import CASE_TABLES
from services.ledger.list_tables import CALENDAR_TABLES, PERSON_TABLES, USAGE_TABLES
from services.ledger.table import (
    BY_MESSAGE,
    BY_NUMBER,
    OF_MESSAGE,
    OF_NUMBER,
    TOKENIZER,
    Get,
    Table,
    later,
    plain,
)
from streams.alert_words import passes_at

PROJECTION_VERSION: Final = 2
"""Raise it when the same records give other rows though the tables look the same: old files are
then rebuilt."""

FACET_COLUMNS: Final = (
    "tenant",
    "branch",
    "kind",
    "sender",
    "state",
    "code",
    "box",
    "attention",
)
"""What messages are filtered by and have few values of; the theory is in `message_facets`."""

_PERSON = plain("tenant", "person_id")


def _ms(name: str) -> dict[str, Get]:
    """The message's own time, in milliseconds since 1970, UTC."""
    return {"said_ms": lambda m: round(getattr(m, name).timestamp() * 1000)}


def _ms_of(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def _passed_ms(alert: Any) -> int | None:
    """From when it is too late to act on an alert."""
    before = passes_at(alert.before, alert.event_at)
    return _ms_of(before)


def _question_ms(status: Any) -> int | None:
    """Since when it is in question whether they opted out."""
    question = status.in_question
    return None if question is None else round(question.since.timestamp() * 1000)


_USAGE: Final = ("tenant", "period", "state", "kind", "branch", "error_code", "currency", "sender")
_USAGE_COUNTS: Final = ("messages", "segments", "segments_unpriced", "cost_billed")


def _has_more(row: Any) -> int | None:
    """1 for a row of the usage report with costs in several currencies."""
    return 1 if row.other_costs else None


_REQUESTED: dict[str, Get] = {"requested_ms": lambda m: round(m.requested_at.timestamp() * 1000)}
_BY_HOUR = ("tenant", "requested_ms", "message_id")
"""With the ids, so that an hour is reconciled from the index alone."""
_RESENT = ("resend_of", "tenant")


def _recipient(message: Any) -> str | None:
    """None: nobody has picked a number yet."""
    return e164(message.to) if message.to else None


_ORDER: dict[str, Get] = {
    "tenant": lambda m: m.order.tenant,
    "message_id": lambda m: m.order.message_id,
}
TABLES: tuple[Table, ...] = (
    Table(
        "requests",
        topics.SEND_REQUESTS,
        OF_MESSAGE | plain("number", "resend_of") | _REQUESTED,
        lookup=BY_MESSAGE,
        sparse=_RESENT,
        period=_BY_HOUR,
    ),
    Table(
        "person_requests",
        topics.PERSON_REQUESTS,
        OF_MESSAGE | plain("person_id", "resend_of") | _REQUESTED,
        lookup=BY_MESSAGE,
        sparse=_RESENT,
        period=_BY_HOUR,
    ),
    Table("cancels", topics.REQUEST_CANCELS, OF_MESSAGE | plain("by"), lookup=BY_MESSAGE),
    Table(
        "person_events",
        topics.PERSON_EVENTS,
        _PERSON | plain("action"),
        lookup=("person_id", "tenant"),
    ),
    Table(
        "person_answers", topics.PERSON_ANSWERS, OF_MESSAGE | plain("verdict"), lookup=BY_MESSAGE
    ),
    Table(
        "people",
        topics.PEOPLE,
        _PERSON,
        latest=lambda m: m.person_key,
        lookup=("person_id", "tenant"),
    ),
    Table(
        "decisions",
        topics.DECISIONS,
        OF_MESSAGE | plain("seq", "verdict", "kind") | _REQUESTED | {"number": _recipient},
        lookup=BY_MESSAGE,
        # In the order of a conversation, which is gone through from the index alone.
        sparse=(*BY_NUMBER, "part", "off", "message_id"),
        period=_BY_HOUR,
    ),
    Table(
        "orders",
        topics.DISPATCH_ORDERS,
        OF_MESSAGE | plain("sender", "kind") | {"number": lambda m: e164(m.to)} | _ms("issued_at"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "controls",
        topics.DISPATCH_CONTROLS,
        OF_MESSAGE | plain("type", "sender", "number"),
        lookup=BY_MESSAGE,
    ),
    Table("returned", topics.RETURNED, _ORDER | plain("reason"), lookup=BY_MESSAGE),
    Table(
        "attempts",
        topics.ATTEMPTS,
        OF_MESSAGE | plain("attempt", "state", "provider_id") | _ms("at"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "receipts",
        topics.DELIVERY_RECEIPTS,
        OF_MESSAGE | plain("attempt", "provider_id", "status"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "outcome_history",
        topics.OUTCOMES,
        OF_MESSAGE | plain("version", "state") | _REQUESTED,
        lookup=BY_MESSAGE,
    ),
    Table(
        "outcomes",
        topics.OUTCOMES,
        OF_MESSAGE
        | plain("state", "error_code", "final", "kind", "sender", "branch", "person_id", "case_id")
        | plain("test_mode")
        | {"number": _recipient}
        | _REQUESTED
        | later("facet", "turns_ms", "phases"),
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: m.version,
        period=("tenant", "requested_ms", "state", "message_id"),
        also=(
            ("facet", "requested_ms"),
            ("turns_ms",),
            ("test_mode", "tenant", "state"),
            ("person_id", "requested_ms"),
            ("case_id", "requested_ms"),
            ("number", "requested_ms"),
        ),
    ),
    Table(
        "alerts",
        topics.ALERTS,
        OF_MESSAGE
        | plain("open", "branch", "case_id", "person_id")
        | {"before_ms": lambda m: _ms_of(m.before), "passed_ms": _passed_ms}
        | _ms("at"),
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: round(m.at.timestamp() * 1000),
        lookup=("open",),
        also=(
            ("said_ms", "identity", "open", "at_ms", "before_ms", "passed_ms", "tenant", "branch"),
            ("case_id",),
            ("person_id",),
        ),
    ),
    Table(
        "usage",
        topics.USAGE_REPORT,
        plain(*_USAGE, *_USAGE_COUNTS, "final")
        | {"period": lambda m: m.period.isoformat(), "has_more": _has_more},
        latest=lambda m: m.identity,
        sparse=("has_more", "tenant"),
        # Sums of any period, by whatever they are grouped, are made from the index alone; by day,
        # state, kind, branch and code without sorting.
        also=((*_USAGE, *_USAGE_COUNTS, "has_more"),),
    ),
    Table("balances", topics.BALANCE, plain("tenant", "residue"), latest=lambda m: m.identity),
    Table(
        "consent_events",
        topics.CONSENT_EVENTS,
        OF_NUMBER | plain("action", "source"),
        lookup=BY_NUMBER,
    ),
    Table(
        "consent_log",
        topics.CONSENT_LOG,
        OF_NUMBER
        | {"chain": lambda m: m.number}
        | plain("sender", "action", "source", "applied", "was", "now")
        | _ms("at"),
        lookup=BY_NUMBER,
        whole=True,
    ),
    Table(
        "consent_status",
        topics.CONSENT_STATUS,
        OF_NUMBER | plain("state") | {"question_ms": _question_ms},
        # Kept under two writings by a version before: the epoch of the one number is the higher.
        latest=lambda m: f"{m.tenant}/{e164(m.number)}",
        rank=lambda m: m.consent_epoch,
        lookup=BY_NUMBER,
        sparse=("question_ms", "tenant"),
    ),
    Table(
        "inbound",
        topics.INBOUND,
        plain("sender", "provider_id") | {"number": lambda m: e164(m.number)},
        lookup=("number",),
    ),
    Table("replies", topics.REPLIES, OF_NUMBER | plain("sender", "provider_id"), lookup=BY_NUMBER),
    Table(
        "contacts",
        topics.CONTACTS,
        OF_NUMBER | plain("sender"),
        latest=lambda m: f"{m.sender_key}/{m.tenant}",
    ),
    Table("number_facts", topics.NUMBER_FACTS, OF_NUMBER, lookup=BY_NUMBER),
    Table(
        "number_moves", topics.NUMBER_MOVES, OF_NUMBER | plain("former", "step"), lookup=BY_NUMBER
    ),
    Table("tenants", topics.SETTINGS, plain("tenant"), latest=lambda m: m.tenant),
    Table(
        "templates",
        topics.TEMPLATES,
        plain("tenant", "name", "version"),
        latest=lambda m: m.template_key,
    ),
    Table("senders", topics.SENDERS, plain("sender"), latest=lambda m: m.sender),
    Table(
        "sender_status", topics.SENDER_STATUS, plain("sender", "state"), latest=lambda m: m.sender
    ),
    Table(
        "approvals",
        topics.APPROVALS,
        OF_MESSAGE | plain("approval_id", "action", "by"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "approval_log",
        topics.APPROVAL_LOG,
        OF_MESSAGE | plain("approval_id", "action", "applied"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "dismissals", topics.DISMISSALS, OF_MESSAGE | plain("by"), latest=lambda m: m.message_key
    ),
    *CASE_TABLES,
    Table(
        "dead_letters",
        topics.DEAD_LETTERS,
        plain("room", "topic", "partition", "offset", "cause", "reason"),
        by_time=True,
    ),
    Table(
        "letter_resolutions",
        topics.LETTER_RESOLUTIONS,
        {"letter_part": lambda m: m.partition, "letter_off": lambda m: m.offset}
        | plain("action", "by"),
        lookup=("letter_part", "letter_off"),
    ),
)

BY_NAME: Final = {table.name: table for table in TABLES}
BY_TOPIC: dict[str, tuple[Table, ...]] = {
    topic.name: tuple(table for table in TABLES if table.topic is topic) for topic in topics.TOPICS
}

_OWN_TABLES: Final = (
    "\nCREATE TABLE positions (topic TEXT, part INTEGER, next_off INTEGER, "
    "PRIMARY KEY (topic, part)) WITHOUT ROWID;"
    "\nCREATE TABLE unreadable (topic TEXT, part INTEGER, off INTEGER, why TEXT, "
    "PRIMARY KEY (topic, part, off));"
    "\nCREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "\nCREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, part TEXT, "
    "id TEXT, at_ms INTEGER);"
    f"\nCREATE TABLE facets (id INTEGER PRIMARY KEY, {', '.join(FACET_COLUMNS)}, "
    f"count INTEGER DEFAULT 0, UNIQUE ({', '.join(FACET_COLUMNS)}));"
    "\nCREATE TABLE texts (key INTEGER PRIMARY KEY, tenant TEXT, message_id TEXT);"
    "\nCREATE VIRTUAL TABLE text_words USING fts5(body, content='', detail=none, columnsize=0, "
    f"tokenize='{TOKENIZER}');\n"
)
"""The ledger's own: how far it has read, what it could not read, what file this is, what has
changed (`change_feed`), kinds of messages with their number (`message_facets`), and the words of
texts (`text_search`)."""


def _create(table: Table) -> str:
    names = ", ".join(f'"{name}"' for name in table.columns)
    identity = "identity TEXT, rank INTEGER, " if table.latest else ""
    key = "identity" if table.latest else "part, off"
    sql = (
        f"CREATE TABLE {table.name} ({identity}part INTEGER, off INTEGER, at_ms INTEGER, "
        f"{names}, json TEXT, PRIMARY KEY ({key}));\n"
    )
    if table.lookup:
        sql += f"CREATE INDEX {table.name}_lookup ON {table.name} ({', '.join(table.lookup)});\n"
    if table.sparse:
        of = f"{', '.join(table.sparse)}) WHERE {table.sparse[0]} IS NOT NULL"
        sql += f"CREATE INDEX {table.name}_sparse ON {table.name} ({of};\n"
    for columns in table.also:
        of = f"{', '.join(columns)}) WHERE {columns[0]} IS NOT NULL"
        sql += f"CREATE INDEX {table.name}_{columns[0]} ON {table.name} ({of};\n"
    if table.period:
        sql += f"CREATE INDEX {table.name}_period ON {table.name} ({', '.join(table.period)});\n"
    if table.by_time:
        sql += f"CREATE INDEX {table.name}_by_time ON {table.name} (at_ms);\n"
    return sql


CREATE: Final = (
    _OWN_TABLES
    + PERSON_TABLES
    + CALENDAR_TABLES
    + USAGE_TABLES
    + "".join(_create(table) for table in TABLES)
)
VERSION: Final = hashlib.sha256(f"{PROJECTION_VERSION} {CREATE}".encode()).hexdigest()[:12]


def upsert(table: Table) -> str:
    names = ["part", "off", "at_ms", *table.columns, "json"]
    if table.latest:
        names = ["identity", "rank", *names]
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({marks}) ON CONFLICT "
    if not table.latest:
        return sql + "DO NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    return sql + f"(identity) DO UPDATE SET {changes} WHERE excluded.rank >= {table.name}.rank"


def delete_tombstoned(table: Table) -> str:
    """A tombstone deletes the row of its key, unless a later record wrote it."""
    return f"DELETE FROM {table.name} WHERE identity = ? AND part = ? AND off < ?"
