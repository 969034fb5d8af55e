"""Which topic fills which table.  Add a table here and nothing else: the file is rebuilt by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas import topics
from schemas.numbers import e164
from schemas.topics import Topic

Get = Callable[[Any], Any]


@dataclass(frozen=True)
class Table:
    """Every row also holds where its record stands (`part`, `off`), the record's time (`at_ms`) and its `json`.

    `latest` tells a message's identity where only the last version is kept; without it every record is a row.
    `rank` says which version is the last: the record's offset unless the message itself counts."""

    name: str
    topic: Topic[Any]
    columns: dict[str, Get]
    latest: Get | None = None
    rank: Get | None = None
    lookup: tuple[str, ...] = ()
    """An index over these columns."""
    sparse: tuple[str, ...] = ()
    """And one over these, of the rows that have the first of them."""
    period: tuple[str, ...] = ()
    """And one over these, for what is counted by the hour or listed by the day."""
    by_time: bool = False
    """And one over the records' times, for lists that show the newest."""
    whole: bool = False
    """Keep every record to the letter, however large: its hash is taken of all of it."""


def _plain(*names: str) -> dict[str, Get]:
    def field(name: str) -> Get:
        return lambda message: getattr(message, name, None)

    return {name: field(name) for name in names}


_MESSAGE = _plain("tenant", "message_id")
_NUMBER: dict[str, Get] = _plain("tenant") | {"number": lambda m: e164(m.number)}
_PERSON = _plain("tenant", "person_id")


def _ms(name: str) -> dict[str, Get]:
    """What the message itself says of when, in milliseconds since 1970, UTC."""
    return {"said_ms": lambda m: round(getattr(m, name).timestamp() * 1000)}


_REQUESTED: dict[str, Get] = {"requested_ms": lambda m: round(m.requested_at.timestamp() * 1000)}
_BY_HOUR = ("tenant", "requested_ms", "message_id")
"""With the ids, so that the books of an hour are recounted from the index alone."""
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
        _NUMBER | _plain("sender", "action", "source", "applied", "was", "now") | _ms("at"),
        lookup=_BY_NUMBER,
        whole=True,
    ),
    Table(
        "consent_status",
        topics.CONSENT_STATUS,
        _NUMBER | _plain("state"),
        latest=lambda m: m.number_key,
        lookup=_BY_NUMBER,
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
