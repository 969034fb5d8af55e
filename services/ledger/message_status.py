"""One message: its status, the request it came from, and its call to the provider where that is in
doubt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from schemas.approval import ApprovalAnswer
from schemas.attempt import Attempt, AttemptCode, AttemptState
from schemas.person import PersonRequest
from schemas.send_request import CancelRequest, Dismissal, SendRequest
from services.ledger.ledger import Ledger
from services.ledger.times import rfc3339
from streams.lifecycle import State

_THIS: Final = "message_id = ? AND tenant = ?"


class MessageStatus(NamedTuple):
    tenant: str
    message_id: str
    number: str | None
    """None: the request is for a person, and no number has been picked yet."""
    sender: str | None
    state: str | None
    """A state of `streams.lifecycle`. None: nothing has been decided."""
    cancel_ordered: bool
    """The gate has told dispatch not to send it."""
    provider_id: str | None
    resent_as: str | None
    """The id of its latest resend, by staff or to another number."""
    person_id: str | None = None
    """Of a text that was requested for a person."""
    request_id: str | None = None
    """The id it was requested under for that person; another number has another message id."""
    rule: str | None = None
    """The rule that decided last, where a decision did."""


def find_statuses(
    ledger: Ledger, message_id: str, tenant: str | None = None
) -> list[MessageStatus]:
    """One for each tenant that has a message of this id."""
    # Outcomes have an index of identities, and none of ids alone.
    sql = """SELECT tenant FROM requests WHERE message_id = ?1
        UNION SELECT tenant FROM person_requests WHERE message_id = ?1
        UNION SELECT o.tenant FROM (SELECT DISTINCT tenant FROM facets) f
            CROSS JOIN outcomes o ON o.identity = f.tenant || '/' || ?1"""
    tenants = sorted(row["tenant"] for row in ledger.rows(sql, message_id))
    return [_status(ledger, message_id, name) for name in tenants if tenant in (None, name)]


def _status(ledger: Ledger, message_id: str, tenant: str) -> MessageStatus:
    this = (message_id, tenant)
    request = _first(
        ledger,
        f"""SELECT number, json_extract(json, '$.resolved.person_id') AS person_id,
        json_extract(json, '$.resolved.request_id') AS request_id
        FROM requests WHERE {_THIS}""",
        *this,
    )
    for_person = _first(
        ledger,
        f"SELECT person_id, message_id AS request_id FROM person_requests WHERE {_THIS}",
        *this,
    )
    person = next((one for one in (for_person, request) if one and one["request_id"]), None)
    decisions = f"""SELECT (SELECT json_extract(value, '$.rule')
        FROM json_each(d.json, '$.findings')
        WHERE json_extract(value, '$.verdict') = d.verdict LIMIT 1) AS rule
        FROM decisions d WHERE {_THIS} ORDER BY seq DESC"""
    decision = _first(ledger, decisions, *this)
    orders = f"SELECT number, sender FROM orders WHERE {_THIS} ORDER BY off DESC"
    order = _first(ledger, orders, *this)
    outcomes = "SELECT state FROM outcomes WHERE identity = ?"
    outcome = _first(ledger, outcomes, f"{tenant}/{message_id}")
    attempts = f"""SELECT provider_id FROM attempts
        WHERE {_THIS} AND provider_id IS NOT NULL ORDER BY off DESC"""
    attempt = _first(ledger, attempts, *this)
    resends = (
        "SELECT message_id FROM requests WHERE resend_of = ? AND tenant = ? ORDER BY at_ms DESC"
    )
    resend = _first(ledger, resends, *this)
    cancels = f"SELECT type FROM controls WHERE {_THIS} AND type = 'cancel'"
    return MessageStatus(
        tenant,
        message_id,
        number=(request or order or {}).get("number"),
        sender=order["sender"] if order else None,
        state=outcome["state"] if outcome else None,
        cancel_ordered=_first(ledger, cancels, *this) is not None,
        provider_id=attempt["provider_id"] if attempt else None,
        resent_as=resend["message_id"] if resend else None,
        person_id=person["person_id"] if person else None,
        request_id=person["request_id"] if person else None,
        rule=decision["rule"] if decision else None,
    )


def _first(ledger: Ledger, sql: str, *values: str) -> dict[str, str] | None:
    rows = ledger.rows(f"{sql} LIMIT 1", *values)
    return dict(rows[0]) if rows else None


# The original request, as long as the topic kept it.


_Name = tuple[str, str]
"""Tenant and message id."""
_KINDS: Final[tuple[tuple[str, type[SendRequest | PersonRequest]], ...]] = (
    ("requests", SendRequest),
    ("person_requests", PersonRequest),
)


def find_request(
    ledger: Ledger, tenant: str, message_id: str
) -> SendRequest | PersonRequest | None:
    """The request as the gate read it, or as people did, if it never reached the gate."""
    return find_requests(ledger, [(tenant, message_id)]).get((tenant, message_id))


def find_requests(
    ledger: Ledger, names: Iterable[_Name]
) -> dict[_Name, SendRequest | PersonRequest]:
    """Those that are there, all at once: a database answers one long question sooner than many
    short ones."""
    found: dict[_Name, SendRequest | PersonRequest] = {}
    missing = list(dict.fromkeys(names))
    for table, kind in _KINDS:
        for name, written in _read_first(ledger, table, missing):
            found[name] = kind.model_validate_json(written)
        missing = [name for name in missing if name not in found]
    return found


def _read_first(ledger: Ledger, table: str, names: Sequence[_Name]) -> list[tuple[_Name, str]]:
    if not names:
        return []
    sql = f"""SELECT (SELECT r.json FROM {table} r
            WHERE r.message_id = json_extract(j.value, '$[1]')
            AND r.tenant = json_extract(j.value, '$[0]') ORDER BY r.part, r.off LIMIT 1) AS json
        FROM json_each(?) j ORDER BY j.key"""
    rows = ledger.rows(sql, json.dumps(names))
    return [
        (name, row["json"])
        for name, row in zip(names, rows, strict=True)
        if row["json"] is not None
    ]


def list_resends(ledger: Ledger, tenant: str, message_id: str) -> tuple[str, ...]:
    """The messages that repeat this one, oldest first."""
    sql = """SELECT message_id, min(at_ms) AS at FROM (
        SELECT message_id, at_ms FROM requests WHERE resend_of = ?1 AND tenant = ?2
        UNION ALL SELECT message_id, at_ms FROM person_requests WHERE resend_of = ?1
            AND tenant = ?2) x
        GROUP BY message_id ORDER BY at, message_id"""
    return tuple(row["message_id"] for row in ledger.rows(sql, message_id, tenant))


# Who did something about it before.


def find_decided_approval(ledger: Ledger, tenant: str, message_id: str) -> ApprovalAnswer | None:
    """The approval or rejection that the gate took, the latest first."""
    sql = f"""SELECT json FROM approval_log WHERE {_THIS} AND applied = 1
        AND action IN ('approve', 'reject') ORDER BY off DESC"""
    found = _first(ledger, sql, message_id, tenant)
    return ApprovalAnswer.model_validate_json(found["json"]) if found else None


def find_cancel(ledger: Ledger, tenant: str, message_id: str) -> CancelRequest | None:
    """The latest request to take it back."""
    sql = f"SELECT json FROM cancels WHERE {_THIS} ORDER BY off DESC"
    found = _first(ledger, sql, message_id, tenant)
    return CancelRequest.model_validate_json(found["json"]) if found else None


def find_dismissal(ledger: Ledger, tenant: str, message_id: str) -> Dismissal | None:
    found = _first(
        ledger, "SELECT json FROM dismissals WHERE identity = ?", f"{tenant}/{message_id}"
    )
    return Dismissal.model_validate_json(found["json"]) if found else None


# Attempts in doubt: the call was cut off, so the text may or may not have been taken.


class InDoubtAttempt(NamedTuple):
    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    since: str
    """RFC 3339, UTC."""
    evidence: str
    """Why it is in doubt."""
    found: str
    """What the last lookup in the provider's list found, or why there was no list. Empty before the
    first lookup."""
    reports: int
    """How often dispatch has published this attempt."""


_STATES: Final = (State.IN_DOUBT, State.DEFERRED)


def list_in_doubt(
    ledger: Ledger, tenant: str | None = None, message_id: str | None = None
) -> list[InDoubtAttempt]:
    """Oldest first."""
    rows = ledger.rows(
        # The plus takes the type from the column: otherwise the index would be of no use.
        """SELECT o.tenant, o.message_id FROM facets f
           CROSS JOIN outcomes o INDEXED BY outcomes_facet ON o.facet = +f.id
           WHERE f.count > 0 AND f.state IN (?1, ?2) AND (?3 IS NULL OR f.tenant = ?3)
           AND (?4 IS NULL OR o.message_id = ?4) ORDER BY o.requested_ms, o.rowid""",
        *_STATES,
        tenant,
        message_id,
    )
    found = (_last_attempt(ledger, row["tenant"], row["message_id"]) for row in rows)
    return sorted((attempt for attempt in found if attempt), key=lambda attempt: attempt.since)


def _last_attempt(ledger: Ledger, tenant: str, message_id: str) -> InDoubtAttempt | None:
    """Offsets order the reports of one message, because they are all in one partition."""
    sql = f"SELECT json FROM attempts WHERE {_THIS} ORDER BY off"
    rows = ledger.rows(sql, message_id, tenant)
    reports = [Attempt.model_validate_json(row["json"]) for row in rows]
    number = max((report.attempt for report in reports), default=0)
    reports = [report for report in reports if report.attempt == number]
    first = next((report for report in reports if report.state is AttemptState.IN_DOUBT), None)
    if first is None or not _is_unsettled(reports[-1]):
        return None
    last = reports[-1]
    return InDoubtAttempt(
        tenant,
        message_id,
        number,
        first.sender,
        first.to or _ordered_number(ledger, tenant, message_id),
        rfc3339(first.at),
        _describe(first),
        _describe(last) if last is not first else "",
        len(reports),
    )


def _is_unsettled(report: Attempt) -> bool:
    """An attempt that the provider's list does not have counts as deferred, but is looked up again
    before it may be sent again."""
    return report.state is AttemptState.IN_DOUBT or (
        report.state is AttemptState.DEFERRED and report.code == AttemptCode.ABSENT
    )


def _describe(report: Attempt) -> str:
    code = f"code {report.code}" if report.code and report.code.isdecimal() else ""
    return "; ".join(filter(None, (report.evidence, code)))


def _ordered_number(ledger: Ledger, tenant: str, message_id: str) -> str:
    found = _first(ledger, f"SELECT number FROM orders WHERE {_THIS}", message_id, tenant)
    return found["number"] if found else ""
