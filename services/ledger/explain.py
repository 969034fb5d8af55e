"""The life of one message, in order, as data."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from schemas import topics
from schemas.numbers import e164
from services.ledger.ledger import Ledger


class Event(NamedTuple):
    """`at`: RFC 3339, UTC, as the message itself says.  `topic`, `partition`, `offset`: where its record stands."""

    what: str
    at: str
    topic: str
    partition: int
    offset: int
    data: dict[str, Any]


class Explained(NamedTuple):
    tenant: str
    message_id: str
    events: tuple[Event, ...]
    outcome: dict[str, Any] | None
    """What we hold true of it now, with the meaning of its code and the next step."""
    consent: tuple[Event, ...]
    """What is on record of the recipient's consent."""


class Unknown(NamedTuple):
    message_id: str


class Ambiguous(NamedTuple):
    message_id: str
    tenants: tuple[str, ...]


_STAGES = {
    "person request": ("person_requests", topics.PERSON_REQUESTS.name, "requested_at"),
    "request": ("requests", topics.SEND_REQUESTS.name, "requested_at"),
    "decision": ("decisions", topics.DECISIONS.name, "decided_at"),
    "approval": ("approvals", topics.APPROVALS.name, "at"),
    "approval answer": ("approval_log", topics.APPROVAL_LOG.name, "at"),
    "order": ("orders", topics.DISPATCH_ORDERS.name, "issued_at"),
    "cancel": ("cancels", topics.REQUEST_CANCELS.name, "at"),
    "control": ("controls", topics.DISPATCH_CONTROLS.name, "at"),
    "returned": ("returned", topics.RETURNED.name, "at"),
    "attempt": ("attempts", topics.ATTEMPTS.name, "at"),
    "receipt": ("receipts", topics.DELIVERY_RECEIPTS.name, "received_at"),
    "outcome": ("outcome_history", topics.OUTCOMES.name, "at"),
    "dismissal": ("dismissals", topics.DISMISSALS.name, "at"),
}
"""What a message goes through, in the order of its life: table, topic, and the field that says when."""

_CONSENT = {"consent": ("consent_log", topics.CONSENT_LOG.name, "at")}


def explain(ledger: Ledger, message_id: str, tenant: str | None = None) -> Explained | Unknown | Ambiguous:
    tenants = [name for name in _tenants(ledger, message_id) if tenant in (None, name)]
    if not tenants:
        return Unknown(message_id)
    if len(tenants) > 1:
        return Ambiguous(message_id, tuple(tenants))
    found = _events(ledger, _STAGES, "message_id = ? AND tenant = ?", message_id, tenants[0])
    outcome = ledger.rows("SELECT json FROM outcomes WHERE identity = ?", f"{tenants[0]}/{message_id}")
    number = _number(found)
    consent = _events(ledger, _CONSENT, "number = ? AND tenant = ?", number, tenants[0]) if number else []
    now = json.loads(outcome[0]["json"]) if outcome else None
    return Explained(tenants[0], message_id, tuple(found), now, tuple(consent))


def _tenants(ledger: Ledger, message_id: str) -> list[str]:
    union = " UNION ".join(f"SELECT tenant FROM {table} WHERE message_id = ?1" for table, _, _ in _STAGES.values())
    return sorted(row["tenant"] for row in ledger.rows(union, message_id))


def _events(ledger: Ledger, stages: dict[str, tuple[str, str, str]], where: str, *values: str) -> list[Event]:
    """Stage by stage, and within a stage as Kafka has them; then by time, which keeps that order where times agree."""
    found = []
    for what, (table, topic, when) in stages.items():
        sql = f"SELECT part, off, json FROM {table} WHERE {where} ORDER BY part, off"
        for row in ledger.rows(sql, *values):
            data = json.loads(row["json"])
            found.append(Event(what, str(data.get(when, "")), topic, row["part"], row["off"], data))
    return sorted(found, key=lambda event: event.at)


def _number(events: list[Event]) -> str | None:
    said = (event.data.get("to") for event in events if event.what in ("decision", "order", "request"))
    return next((e164(number) for number in said if number), None)
