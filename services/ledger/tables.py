"""Which topic fills which table, and the SQL of it. To add a table, add it to `TABLES`: old files
rebuild themselves.

Every row also has the record's partition (`part`), offset (`off`), time (`at_ms`) and value
(`json`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas import topics
from schemas.numbers import e164
from schemas.topics import Topic

PROJECTION_VERSION: Final = 2
"""Raise it when the same records give other rows though the tables look the same: old files are
then rebuilt."""

Get = Callable[[Any], Any]


@dataclass(frozen=True)
class Table:
    name: str
    topic: Topic[Any]
    columns: dict[str, Get]
    latest: Get | None = None
    """The identity of which only the latest version is kept. Without it every record is a row."""
    rank: Get | None = None
    """Which version is the latest: the one with the highest rank. By default the record's offset.
    """
    lookup: tuple[str, ...] = ()
    """Columns of an index."""
    sparse: tuple[str, ...] = ()
    """Columns of an index over the rows that have the first of them."""
    period: tuple[str, ...] = ()
    """Columns of an index for what is counted by the hour or listed by the day."""
    by_time: bool = False
    """Whether the records' times have an index, for lists of the newest."""
    whole: bool = False
    """Keep every record's value unchanged, however large: its hash is taken of all of it."""


def _plain(*names: str) -> dict[str, Get]:
    def field(name: str) -> Get:
        return lambda message: getattr(message, name, None)

    return {name: field(name) for name in names}


_MESSAGE = _plain("tenant", "message_id")
_NUMBER: dict[str, Get] = _plain("tenant") | {"number": lambda m: e164(m.number)}
_PERSON = _plain("tenant", "person_id")


def _ms(name: str) -> dict[str, Get]:
    """The message's own time, in milliseconds since 1970, UTC."""
    return {"said_ms": lambda m: round(getattr(m, name).timestamp() * 1000)}


def _question_ms(status: Any) -> int | None:
    """Since when it is in question whether they opted out."""
    question = status.in_question
    return None if question is None else round(question.since.timestamp() * 1000)


_REQUESTED: dict[str, Get] = {"requested_ms": lambda m: round(m.requested_at.timestamp() * 1000)}
_BY_HOUR = ("tenant", "requested_ms", "message_id")
"""With the ids, so that an hour is reconciled from the index alone."""
_BY_MESSAGE = ("message_id", "tenant")
_BY_NUMBER = ("number", "tenant")
_RESENT = ("resend_of", "tenant")
_ORDER: dict[str, Get] = {
    "tenant": lambda m: m.order.tenant,
    "message_id": lambda m: m.order.message_id,
}

TABLES: tuple[Table, ...] = (
    Table(
        "requests",
        topics.SEND_REQUESTS,
        _MESSAGE | _plain("number", "resend_of") | _REQUESTED,
        lookup=_BY_MESSAGE,
        sparse=_RESENT,
        period=_BY_HOUR,
    ),
    Table(
        "person_requests",
        topics.PERSON_REQUESTS,
        _MESSAGE | _plain("person_id", "resend_of") | _REQUESTED,
        lookup=_BY_MESSAGE,
        sparse=_RESENT,
        period=_BY_HOUR,
    ),
    Table("cancels", topics.REQUEST_CANCELS, _MESSAGE | _plain("by"), lookup=_BY_MESSAGE),
    Table(
        "person_events",
        topics.PERSON_EVENTS,
        _PERSON | _plain("action"),
        lookup=("person_id", "tenant"),
    ),
    Table(
        "person_answers", topics.PERSON_ANSWERS, _MESSAGE | _plain("verdict"), lookup=_BY_MESSAGE
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
        _MESSAGE | _plain("seq", "verdict", "kind") | _REQUESTED,
        lookup=_BY_MESSAGE,
        period=_BY_HOUR,
    ),
    Table(
        "orders",
        topics.DISPATCH_ORDERS,
        _MESSAGE | _plain("sender", "kind") | {"number": lambda m: e164(m.to)} | _ms("issued_at"),
        lookup=_BY_MESSAGE,
    ),
    Table(
        "controls",
        topics.DISPATCH_CONTROLS,
        _MESSAGE | _plain("type", "sender", "number"),
        lookup=_BY_MESSAGE,
    ),
    Table("returned", topics.RETURNED, _ORDER | _plain("reason"), lookup=_BY_MESSAGE),
    Table(
        "attempts",
        topics.ATTEMPTS,
        _MESSAGE | _plain("attempt", "state", "provider_id") | _ms("at"),
        lookup=_BY_MESSAGE,
    ),
    Table(
        "receipts",
        topics.DELIVERY_RECEIPTS,
        _MESSAGE | _plain("attempt", "provider_id", "status"),
        lookup=_BY_MESSAGE,
    ),
    Table(
        "outcome_history",
        topics.OUTCOMES,
        _MESSAGE | _plain("version", "state") | _REQUESTED,
        lookup=_BY_MESSAGE,
    ),
    Table(
        "outcomes",
        topics.OUTCOMES,
        _MESSAGE | _plain("state", "error_code", "final", "kind", "sender") | _REQUESTED,
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: m.version,
        lookup=("state",),
        period=("tenant", "requested_ms", "state", "message_id"),
        by_time=True,
    ),
    Table(
        "alerts",
        topics.ALERTS,
        _MESSAGE | _plain("open"),
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: round(m.at.timestamp() * 1000),
        lookup=("open",),
    ),
    Table(
        "usage",
        topics.USAGE_REPORT,
        _plain(
            "tenant",
            "branch",
            "sender",
            "kind",
            "state",
            "error_code",
            "messages",
            "segments",
            "final",
        )
        | {"period": lambda m: m.period.isoformat()},
        latest=lambda m: m.identity,
    ),
    Table("balances", topics.BALANCE, _plain("tenant", "residue"), latest=lambda m: m.identity),
    Table(
        "consent_events",
        topics.CONSENT_EVENTS,
        _NUMBER | _plain("action", "source"),
        lookup=_BY_NUMBER,
    ),
    Table(
        "consent_log",
        topics.CONSENT_LOG,
        _NUMBER
        | {"chain": lambda m: m.number}
        | _plain("sender", "action", "source", "applied", "was", "now")
        | _ms("at"),
        lookup=_BY_NUMBER,
        whole=True,
    ),
    Table(
        "consent_status",
        topics.CONSENT_STATUS,
        _NUMBER | _plain("state") | {"question_ms": _question_ms},
        # Kept under two writings by a version before: the epoch of the one number is the higher.
        latest=lambda m: f"{m.tenant}/{e164(m.number)}",
        rank=lambda m: m.consent_epoch,
        lookup=_BY_NUMBER,
        sparse=("question_ms", "tenant"),
    ),
    Table(
        "inbound",
        topics.INBOUND,
        _plain("sender", "provider_id") | {"number": lambda m: e164(m.number)},
        lookup=("number",),
    ),
    Table("replies", topics.REPLIES, _NUMBER | _plain("sender", "provider_id"), lookup=_BY_NUMBER),
    Table(
        "contacts",
        topics.CONTACTS,
        _NUMBER | _plain("sender"),
        latest=lambda m: f"{m.sender_key}/{m.tenant}",
    ),
    Table("number_facts", topics.NUMBER_FACTS, _NUMBER, lookup=_BY_NUMBER),
    Table(
        "number_moves", topics.NUMBER_MOVES, _NUMBER | _plain("former", "step"), lookup=_BY_NUMBER
    ),
    Table("tenants", topics.SETTINGS, _plain("tenant"), latest=lambda m: m.tenant),
    Table("senders", topics.SENDERS, _plain("sender"), latest=lambda m: m.sender),
    Table(
        "sender_status", topics.SENDER_STATUS, _plain("sender", "state"), latest=lambda m: m.sender
    ),
    Table(
        "approvals",
        topics.APPROVALS,
        _MESSAGE | _plain("approval_id", "action", "by"),
        lookup=_BY_MESSAGE,
    ),
    Table(
        "approval_log",
        topics.APPROVAL_LOG,
        _MESSAGE | _plain("approval_id", "action", "applied"),
        lookup=_BY_MESSAGE,
    ),
    Table("dismissals", topics.DISMISSALS, _MESSAGE | _plain("by"), latest=lambda m: m.message_key),
    Table(
        "dead_letters",
        topics.DEAD_LETTERS,
        _plain("room", "topic", "partition", "offset", "cause", "reason"),
    ),
    Table(
        "letter_resolutions",
        topics.LETTER_RESOLUTIONS,
        {"letter_part": lambda m: m.partition, "letter_off": lambda m: m.offset}
        | _plain("action", "by"),
        lookup=("letter_part", "letter_off"),
    ),
)

BY_TOPIC: dict[str, tuple[Table, ...]] = {
    topic.name: tuple(table for table in TABLES if table.topic is topic) for topic in topics.TOPICS
}

_OWN_TABLES: Final = (
    "\nCREATE TABLE positions (topic TEXT, part INTEGER, next_off INTEGER, "
    "PRIMARY KEY (topic, part)) WITHOUT ROWID;"
    "\nCREATE TABLE unreadable (topic TEXT, part INTEGER, off INTEGER, why TEXT, "
    "PRIMARY KEY (topic, part, off));"
    "\nCREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;\n"
)
"""The ledger's own: how far it has read, what it could not read, and what file this is."""


def _create(table: Table) -> str:
    columns = ", ".join(f'"{name}"' for name in table.columns)
    identity = "identity TEXT, rank INTEGER, " if table.latest else ""
    key = "identity" if table.latest else "part, off"
    sql = (
        f"CREATE TABLE {table.name} ({identity}part INTEGER, off INTEGER, at_ms INTEGER, "
        f"{columns}, json TEXT, PRIMARY KEY ({key}));\n"
    )
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


CREATE: Final = _OWN_TABLES + "".join(_create(table) for table in TABLES)
VERSION: Final = hashlib.sha256(f"{PROJECTION_VERSION} {CREATE}".encode()).hexdigest()[:12]


def upsert(table: Table) -> str:
    names = ["part", "off", "at_ms", *table.columns, "json"]
    if table.latest:
        names = ["identity", "rank", *names]
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.name} ({columns}) VALUES ({marks}) ON CONFLICT DO "
    if not table.latest:
        return sql + "NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    return sql + f"UPDATE SET {changes} WHERE excluded.rank >= rank"


def delete_tombstoned(table: Table) -> str:
    """A tombstone deletes the row of its key, unless a later record wrote it."""
    return f"DELETE FROM {table.name} WHERE identity = ? AND part = ? AND off < ?"
