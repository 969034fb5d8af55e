"""The life of one message, in order, as data."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas import topics
from schemas.numbers import e164
from schemas.reports import UsageRow
from schemas.sender import SenderState, SenderStatus
from services.ledger.ledger import Ledger
from services.ledger.templates import find_version
from services.ledger.times import ENDLESS, parse_time, rfc3339
from streams.usage.measure import local_day
from streams.usage.state import MAX_NAME


class Event(NamedTuple):
    what: str
    at: str
    """RFC 3339, UTC, as the message itself says."""
    topic: str
    partition: int
    offset: int
    data: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.topic}@{self.partition}:{self.offset}"


class Explanation(NamedTuple):
    tenant: str
    message_id: str
    events: tuple[Event, ...]
    outcome: dict[str, Any] | None
    """The latest outcome, with the meaning of its code and the next step."""
    consent: tuple[Event, ...]
    """The consent log of the recipient."""
    usage: Event | None = None
    """The line of the usage report that counts it, with all others of this line."""
    zone: str = "UTC"
    """The recipient's time zone as far as the request says, or else the tenant's."""
    sender_error: str | None = None
    """What the provider said, while the message's sender pauses for it."""
    origin: dict[str, Any] | None = None
    """The case's own record of the text, as it stands: which recipe or task, event and version made
    it."""
    template: dict[str, Any] | None = None
    """What its template said then, as it was applied."""


class UnknownMessage(NamedTuple):
    message_id: str


class AmbiguousMessage(NamedTuple):
    message_id: str
    tenants: tuple[str, ...]


_STAGES: Final = {
    "case text": ("case_texts", topics.CASE_TEXTS.name, "at"),
    "person request": ("person_requests", topics.PERSON_REQUESTS.name, "requested_at"),
    "request": ("requests", topics.SEND_REQUESTS.name, "requested_at"),
    "decision": ("decisions", topics.DECISIONS.name, "decided_at"),
    "approval": ("approvals", topics.APPROVALS.name, "at"),
    "approval answer": ("approval_log", topics.APPROVAL_LOG.name, "at"),
    "order": ("orders", topics.DISPATCH_ORDERS.name, "issued_at"),
    "person cancel": ("person_cancels", topics.PERSON_CANCELS.name, "at"),
    "cancel": ("cancels", topics.REQUEST_CANCELS.name, "at"),
    "control": ("controls", topics.DISPATCH_CONTROLS.name, "at"),
    "returned": ("returned", topics.RETURNED.name, "at"),
    "attempt": ("attempts", topics.ATTEMPTS.name, "at"),
    "receipt": ("receipts", topics.DELIVERY_RECEIPTS.name, "received_at"),
    "outcome": ("outcome_history", topics.OUTCOMES.name, "at"),
    "dismissal": ("dismissals", topics.DISMISSALS.name, "at"),
}
"""The stages of a message, in the order of its life: table, topic, and the field with the time."""

_OF_THE_REQUEST: Final = ("case text", "person request", "person cancel")
"""What is on record under the id that a case or a producer asked under."""

_CONSENT: Final = {"consent": ("consent_log", topics.CONSENT_LOG.name, "at")}

RETENTION: Final = {
    what: topics.BY_NAME[topic].keep for what, (_, topic, _) in (_STAGES | _CONSENT).items()
} | {"usage": topics.USAGE_REPORT.keep}
"""How long Kafka keeps each part, None for ever. The ledger keeps it until its file is rebuilt."""


def retention_table() -> str:
    """For the docs, in Markdown."""
    spans: dict[str, list[str]] = {}
    for what, keep in RETENTION.items():
        spans.setdefault(f"{keep.days} days" if keep else "for ever", []).append(what)
    lines = [f"| {', '.join(parts)} | {span} |" for span, parts in spans.items()]
    return "\n".join(["| part of the story | kept |", "|---|---|", *lines]) + "\n"


def explain(
    ledger: Ledger, message_id: str, tenant: str | None = None, as_of: datetime | None = None
) -> Explanation | UnknownMessage | AmbiguousMessage:
    """`as_of`: from what was on Kafka by then. None: from everything."""
    until = round(as_of.timestamp() * 1000) if as_of else ENDLESS
    tenants = [name for name in _tenants(ledger, message_id, until) if tenant in (None, name)]
    if not tenants:
        return UnknownMessage(message_id)
    if len(tenants) > 1:
        return AmbiguousMessage(message_id, tuple(tenants))
    owner = tenants[0]
    events = _events(ledger, _STAGES, "message_id = ? AND tenant = ?", until, message_id, owner)
    if (request_id := _request_id(events)) not in (None, message_id):
        before = {what: _STAGES[what] for what in _OF_THE_REQUEST}
        of_request = "message_id = ? AND tenant = ?"
        events = _events(ledger, before, of_request, until, request_id, owner) + events
    number = _number(events)
    of_number = "number = ? AND tenant = ?"
    consent = _events(ledger, _CONSENT, of_number, until, number, owner) if number else []
    outcomes = [event.data for event in events if event.what == "outcome"]
    outcome = max(outcomes, key=lambda one: int(one["version"]), default=None)
    tenant_zone = _tenant_zone(ledger, owner)
    usage = _usage(ledger, outcome, tenant_zone, until) if outcome else None
    origin = next((event.data for event in reversed(events) if event.what == "case text"), None)
    own_zone = next(filter(None, (event.data.get("time_zone") for event in events)), None)
    return Explanation(
        owner,
        message_id,
        tuple(events),
        outcome,
        tuple(consent),
        usage,
        own_zone or tenant_zone,
        _sender_error(ledger, outcome) if outcome and as_of is None else None,
        origin,
        _template(ledger, owner, origin) if origin else None,
    )


def _template(ledger: Ledger, tenant: str, origin: dict[str, Any]) -> dict[str, Any] | None:
    name, version = origin.get("template"), origin.get("template_version")
    found = find_version(ledger, tenant, name, version) if name and version else None
    return found.model_dump(mode="json") if found else None


def _request_id(events: list[Event]) -> str | None:
    """The request for a person that a text came from, which moved to another number."""
    named = (
        event.data.get("request_id") or (event.data.get("resolved") or {}).get("request_id")
        for event in events
        if event.what in ("decision", "request")
    )
    return next(filter(None, named), None)


def _sender_error(ledger: Ledger, outcome: dict[str, Any]) -> str | None:
    sql = "SELECT json FROM sender_status WHERE sender = ? AND state = ?"
    for row in ledger.rows(sql, outcome.get("sender"), SenderState.RESTING):
        error = SenderStatus.model_validate_json(row["json"]).last_error
        return error.code if error else None
    return None


def _tenants(ledger: Ledger, message_id: str, until: int) -> list[str]:
    union = " UNION ".join(
        f"SELECT tenant FROM {table} WHERE message_id = ?1 AND at_ms <= ?2"
        for table, _, _ in _STAGES.values()
    )
    return sorted(row["tenant"] for row in ledger.rows(union, message_id, until))


def _events(
    ledger: Ledger, stages: dict[str, tuple[str, str, str]], where: str, until: int, *values: str
) -> list[Event]:
    """By time. Where times are equal: stage by stage, and within a stage in Kafka's order (the sort
    is stable)."""
    found = []
    for what, (table, topic, when) in stages.items():
        sql = f"SELECT part, off, json FROM {table} WHERE {where} AND at_ms <= ? ORDER BY part, off"
        for row in ledger.rows(sql, *values, until):
            data = json.loads(row["json"])
            at = parse_time(data.get(when))
            found.append((at, Event(what, rfc3339(at), topic, row["part"], row["off"], data)))
    return [event for _, event in sorted(found, key=itemgetter(0))]


def _tenant_zone(ledger: Ledger, tenant: str) -> str:
    sql = "SELECT json_extract(json, '$.time_zone') AS zone FROM tenants WHERE identity = ?"
    found = [row["zone"] for row in ledger.rows(sql, tenant)]
    return next(filter(None, found), "UTC")


def _usage(ledger: Ledger, outcome: dict[str, Any], zone: str, until: int) -> Event | None:
    """Its line of the usage report, if it was published by `until`. The ledger has each line's last
    value only."""
    day = local_day(datetime.fromisoformat(outcome["requested_at"]), ZoneInfo(zone))
    names = ("tenant", "branch", "sender", "kind", "state")
    parts: dict[str, Any] = {name: (outcome.get(name) or "")[:MAX_NAME] for name in names}
    line = UsageRow(
        **parts,
        error_code=outcome.get("error_code"),
        period=day,
        messages=0,
        segments=0,
        final=False,
    )
    sql = "SELECT part, off, at_ms, json FROM usage WHERE identity = ? AND at_ms <= ?"
    for row in ledger.rows(sql, line.identity, until):
        at = rfc3339(datetime.fromtimestamp(row["at_ms"] / 1000, UTC))
        data = json.loads(row["json"])
        return Event("usage", at, topics.USAGE_REPORT.name, row["part"], row["off"], data)
    return None


def _number(events: list[Event]) -> str | None:
    numbers = (
        event.data.get("to") for event in events if event.what in ("decision", "order", "request")
    )
    return next((e164(number) for number in numbers if number), None)
