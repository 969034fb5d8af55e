"""What staff have in front of them: the mailboxes, as `streams.mailboxes` defines them, and the
open alerts."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.decision import Finding
from schemas.outcome import Alert, Urgency
from schemas.topics import A_MONTH
from services.ledger.ledger import Ledger
from services.ledger.times import add_days
from streams.alert_words import urgency
from streams.lifecycle import State
from streams.mailboxes import BOXES, Box, MessageView, find_box, needs_attention
from streams.usage.measure import local_day


class MailboxFilter(NamedTuple):
    """Days on which messages were requested, by the tenant's local time, both ends included."""

    tenant: str | None = None
    branch: str | None = None
    person: str | None = None
    code: str | None = None
    since: date | None = None
    until: date | None = None
    ids: tuple[str, ...] = ()
    """Only these messages."""


class MailboxItem(NamedTuple):
    tenant: str
    message_id: str
    box: Box | None
    attention: bool
    outcome: dict[str, Any]
    findings: tuple[Finding, ...]
    """Those of its last decision."""

    @property
    def name(self) -> str:
        return f"{self.tenant}/{self.message_id}"

    @property
    def state(self) -> State:
        return State(self.outcome["state"])

    @property
    def number(self) -> str | None:
        return self.outcome.get("to")


_STATES_OF: Final = {
    Box.READY: {Box.OUTBOX},
    Box.OUTBOX: {Box.OUTBOX},
    Box.SENTBOX: {Box.SENTBOX},
}
"""What is ready to be approved is held, and so has a state of the Outbox."""
_EXPLAINED_BY_DECISION: Final = ("held", "rejected", "expired")
"""States of which the last decision tells the reason."""
_CONDITIONS: Final = {
    "tenant": "o.tenant = ?",
    "branch": "json_extract(o.json, '$.branch') = ?",
    "person": "json_extract(o.json, '$.person_id') = ?",
    "code": "o.error_code = ?",
}
_HAS_ID: Final = """o.identity IN (SELECT d.tenant || '/' || d.message_id FROM decisions d
    WHERE d.message_id IN (SELECT value FROM json_each(?)))"""
"""By way of the decisions, which have an index of message ids across tenants."""


def list_mailbox(
    ledger: Ledger, box: Box, wanted: MailboxFilter, now: datetime
) -> Generator[MailboxItem, None, None]:
    """Newest first. A caller who does not want all of them closes the generator."""
    states = [state.value for state in State if BOXES.get(state) in _STATES_OF[box]]
    # With a plus SQLite does not use the index of states, which would not help where most messages
    # have these states.
    state = "+o.state" if box is Box.SENTBOX else "o.state"
    for item in _items(ledger, states, wanted, now, state):
        if item.box is box:
            yield item


def find_messages(ledger: Ledger, wanted: MailboxFilter, now: datetime) -> tuple[MailboxItem, ...]:
    """The messages of `wanted.ids`, in whatever box they are."""
    if not wanted.ids:
        return ()
    return tuple(_items(ledger, [state.value for state in State], wanted, now, "+o.state"))


def _items(
    ledger: Ledger, states: list[str], wanted: MailboxFilter, now: datetime, state: str
) -> Iterator[MailboxItem]:
    """`state`: the column to compare with `states`."""
    where, values = _where(wanted)
    sql = f"""SELECT o.tenant, o.message_id, o.json,
        CASE WHEN o.state IN ({_marks(_EXPLAINED_BY_DECISION)}) THEN (SELECT d.json FROM decisions d
            WHERE d.message_id = o.message_id AND d.tenant = o.tenant
                ORDER BY d.seq DESC LIMIT 1) END AS decision,
        EXISTS (SELECT 1 FROM dismissals x WHERE x.identity = o.identity)
        OR EXISTS (SELECT 1 FROM requests r WHERE r.resend_of = o.message_id
            AND r.tenant = o.tenant)
        OR EXISTS (SELECT 1 FROM person_requests p
            WHERE p.resend_of = o.message_id AND p.tenant = o.tenant) AS settled
        FROM outcomes o WHERE {state} IN ({_marks(states)}) {where}
        ORDER BY o.at_ms DESC, o.rowid DESC"""
    zones = _zones(ledger)
    for row in ledger.each(sql, *_EXPLAINED_BY_DECISION, *states, *values):
        outcome = json.loads(row["json"])
        if not _is_within(wanted, outcome["requested_at"], zones.get(row["tenant"])):
            continue
        decision = json.loads(row["decision"]) if row["decision"] else {}
        findings = tuple(Finding.model_validate(one) for one in decision.get("findings", ()))
        message = MessageView(State(outcome["state"]), findings, bool(row["settled"]))
        yield MailboxItem(
            row["tenant"],
            row["message_id"],
            find_box(message, now),
            needs_attention(message, now),
            outcome,
            findings,
        )


def _where(wanted: MailboxFilter) -> tuple[str, list[str]]:
    """Days are compared roughly here, because zones differ: any local day lies within two days of
    UTC's. `_is_within` compares exactly."""
    given = [
        (sql, value)
        for name, sql in _CONDITIONS.items()
        if (value := getattr(wanted, name)) is not None
    ]
    requested = "json_extract(o.json, '$.requested_at')"
    if wanted.since and (first := add_days(wanted.since, -1)):
        given.append((f"{requested} >= ?", first.isoformat()))
    if wanted.until and (last := add_days(wanted.until, 3)):
        given.append((f"{requested} < ?", last.isoformat()))
    if wanted.ids:
        given.append((_HAS_ID, json.dumps(wanted.ids)))
    return "".join(f" AND {sql}" for sql, _ in given), [value for _, value in given]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _zones(ledger: Ledger) -> dict[str, ZoneInfo]:
    sql = "SELECT tenant, coalesce(json_extract(json, '$.time_zone'), 'UTC') AS zone FROM tenants"
    return {row["tenant"]: ZoneInfo(row["zone"]) for row in ledger.rows(sql)}


def _is_within(wanted: MailboxFilter, requested_at: str, zone: ZoneInfo | None) -> bool:
    if wanted.since is None and wanted.until is None:
        return True
    day = local_day(datetime.fromisoformat(requested_at), zone or UTC)
    return (wanted.since or day) <= day <= (wanted.until or day)


# Alerts: texts that mattered and have not arrived.


class CurrentAlert(NamedTuple):
    alert: Alert
    urgency: Urgency
    """As it is now. The record has the urgency at the time of the alert."""


_URGENCY_ORDER: Final = {Urgency.NOW: 0, Urgency.SOON: 1, Urgency.NORMAL: 2, Urgency.PASSED: 3}
_IS_OPEN: Final = """open AND at_ms > ?3
    AND NOT EXISTS (SELECT 1 FROM dismissals WHERE dismissals.identity = alerts.identity)"""
"""Neither closed nor dismissed, nor older than the topic's retention."""


def list_alerts(
    ledger: Ledger, now: datetime, tenant: str | None = None, *, closed: bool = False
) -> tuple[CurrentAlert, ...]:
    """The most urgent first. `closed`: also those that need no action any more."""
    sql = f"SELECT json FROM alerts WHERE (?1 OR {_IS_OPEN}) AND (?2 IS NULL OR tenant = ?2)"
    oldest = (now - A_MONTH).timestamp() * 1000
    rows = ledger.rows(sql, closed, tenant, oldest)
    alerts = [Alert.model_validate_json(row["json"]) for row in rows]
    current = [CurrentAlert(one, urgency(one.before, one.event_at, now)) for one in alerts]
    return tuple(sorted(current, key=_by_urgency))


def find_open_alerts(
    ledger: Ledger, names: Sequence[str], tenant: str | None = None
) -> tuple[tuple[str, str], ...]:
    """Tenant and id of those texts that have an open alert.  A case has alerts of texts that it
    never asked for, and nobody else knows of them."""
    sql = """SELECT min(tenant) AS tenant, message_id FROM alerts WHERE open
            AND message_id IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR tenant = ?2)
        GROUP BY message_id HAVING count(*) = 1 ORDER BY message_id"""
    rows = ledger.rows(sql, json.dumps(list(names)), tenant)
    return tuple((row["tenant"], row["message_id"]) for row in rows)


def _by_urgency(current: CurrentAlert) -> tuple[int, datetime]:
    return _URGENCY_ORDER[current.urgency], current.alert.before or current.alert.at


def alert_to_json(current: CurrentAlert) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(current.alert.model_dump_json(exclude_none=True))
    return record | {"urgency": current.urgency}
