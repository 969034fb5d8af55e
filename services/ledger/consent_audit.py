"""The consent audit: does the record hold what it should, and did we do what it says?

It is answered from the topics, not from the gate's state. Two of the checks are promises: they must
find nothing. The others are for people to look into.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentSource
from schemas.send_request import SystemKind
from schemas.topics import ATTEMPTS, CONSENT_LOG, CONSENT_STATUS, DECISIONS, DISPATCH_ORDERS
from services.ledger.ledger import Ledger

AFTER_OPT_OUT: Final = (SystemKind.STOP_CONFIRMATION, SystemKind.HELP_ANSWER)
"""Kinds that may go to somebody who has opted out: one confirmation, and the help they ask for."""
OPT_IN_REQUEST_EVERY: Final = timedelta(hours=24)
STOP_EFFECT: Final = timedelta(seconds=1)
"""After this time from the gate's decision on a STOP no call may begin any more."""

REQUIRED_EVIDENCE: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    ConsentSource.INBOUND: (("text",), ("topic",)),
    ConsentSource.FORM: (("wording", "document", "url"), ("topic",)),
    ConsentSource.IMPORT: (("document", "wording", "url"), ("topic",)),
}
"""What evidence an opt-in must have, by its source: of each group at least one field."""
REQUIRED_FROM_STAFF: Final = (("document",), ("actor",))
"""The same, from any other source."""


class AuditFinding(NamedTuple):
    check: str
    tenant: str
    number: str
    at: str
    """RFC 3339, UTC."""
    place: str
    """The record that shows it, as topic/partition@offset."""
    words: str


class AuditParams(NamedTuple):
    now: datetime
    pending: timedelta
    """How long an opt-in request may be unanswered before it is a finding."""


Check = Callable[[Ledger, str | None, AuditParams], Iterator[AuditFinding]]


class AuditCheck(NamedTuple):
    check: Check
    title: str
    none: bool = False
    """A promise: there must be no finding."""
    quiet: bool = False
    """Not mentioned where there is no finding."""


def run_audit(
    ledger: Ledger, tenant: str | None, params: AuditParams
) -> dict[str, list[AuditFinding]]:
    """The findings of each check, in the order of CHECKS."""
    return {name: list(one.check(ledger, tenant, params)) for name, one in CHECKS.items()}


def _find_unproven(
    ledger: Ledger, tenant: str | None, params: AuditParams
) -> Iterator[AuditFinding]:
    """Opted in now, but the log entry that brought this lacks evidence, or there is none."""
    sql = """SELECT s.tenant, s.number, s.part AS status_part, s.off AS status_off, s.at_ms,
            l.part, l.off, l.json
        FROM consent_status s LEFT JOIN consent_log l ON l.rowid = (
            SELECT b.rowid FROM consent_log b
            WHERE b.number = s.number AND b.tenant = s.tenant AND b.applied = 1
              AND b.action = 'opt_in' AND b."now" = 'opted_in' AND b.was <> 'opted_in'
            ORDER BY b.part, b.off DESC LIMIT 1)
        WHERE s.state = 'opted_in' AND (?1 IS NULL OR s.tenant = ?1) ORDER BY 1, 2"""
    for row in ledger.rows(sql, tenant):
        if row["json"] is None:
            at = _format_ms(row["at_ms"])
            place = _place(CONSENT_STATUS.name, row["status_part"], row["status_off"])
            words = "no entry says how"
        else:
            entry = json.loads(row["json"])
            missing = _missing_evidence(entry)
            if not missing:
                continue
            at = entry["at"]
            place = _place(CONSENT_LOG.name, row["part"], row["off"])
            words = f"{entry['source']}: without {missing}"
        yield AuditFinding("unproven", row["tenant"], row["number"], at, place, words)


def _missing_evidence(entry: Mapping[str, Any]) -> str:
    evidence = entry.get("evidence") or {}
    groups = REQUIRED_EVIDENCE.get(entry["source"], REQUIRED_FROM_STAFF)
    return " and ".join(
        " or ".join(group) for group in groups if not any(evidence.get(name) for name in group)
    )


def _find_pending(
    ledger: Ledger, tenant: str | None, params: AuditParams
) -> Iterator[AuditFinding]:
    sql = """SELECT tenant, number, part, off, json FROM consent_status
        WHERE state = 'pending' AND (?1 IS NULL OR tenant = ?1) ORDER BY 1, 2"""
    for row in ledger.rows(sql, tenant):
        asked_at = json.loads(row["json"]).get("asked_at")
        waited = params.now - datetime.fromisoformat(asked_at) if asked_at else None
        if waited is not None and waited <= params.pending:
            continue
        words = (
            f"asked {waited.days} days ago, no answer"
            if waited
            else "nobody knows when they were asked"
        )
        place = _place(CONSENT_STATUS.name, row["part"], row["off"])
        yield AuditFinding("pending", row["tenant"], row["number"], asked_at or "", place, words)


# When each number was opted out, from and to. `of_sender`: an opt-out from this sender alone (the
# STOP's scope, or the carrier's).
_OPT_OUTS: Final = """opt_out AS (
    SELECT tenant, number, said_ms AS began,
        CASE WHEN "now" <> 'opted_out' THEN sender END AS of_sender,
        (SELECT i.said_ms FROM consent_log i WHERE i.number = o.number AND i.tenant = o.tenant
          AND CASE WHEN i.chain = o.chain THEN i.off > o.off ELSE i.said_ms > o.said_ms END
          AND i.applied = 1 AND i.action = 'opt_in'
          AND CASE WHEN o."now" = 'opted_out' THEN i."now" = 'opted_in' ELSE i.sender = o.sender END
        ORDER BY i.said_ms, i.off LIMIT 1) AS ended
    FROM consent_log o WHERE applied = 1 AND action = 'opt_out' AND (?1 IS NULL OR tenant = ?1)
      AND CASE WHEN "now" = 'opted_out' THEN was <> 'opted_out' ELSE sender IS NOT NULL END)"""
_TO_THEM: Final = """m.number = opt_out.number AND m.tenant = opt_out.tenant
        AND (of_sender IS NULL OR m.sender = of_sender)"""
_ALLOWED: Final = ", ".join(f"'{kind}'" for kind in AFTER_OPT_OUT)
_ORDERED: Final = f"""WITH {_OPT_OUTS}
    SELECT DISTINCT m.tenant, m.number, m.part, m.off, m.kind, m.said_ms, m.message_id
    FROM opt_out JOIN orders m ON {_TO_THEM}
    WHERE m.said_ms > began AND (ended IS NULL OR m.said_ms < ended)
        AND m.kind NOT IN ({_ALLOWED}) ORDER BY 1, 2, 6, 3, 4"""
_BEGUN: Final = f"""WITH {_OPT_OUTS}
    SELECT DISTINCT a.tenant, m.number, a.part, a.off, m.kind, a.said_ms, a.message_id
    FROM opt_out JOIN orders m ON {_TO_THEM}
    JOIN attempts a ON a.message_id = m.message_id AND a.tenant = m.tenant AND a.state = 'sending'
    WHERE a.said_ms > began + ?2 AND (ended IS NULL OR a.said_ms < ended)
        AND m.kind NOT IN ({_ALLOWED}) ORDER BY 1, 2, 6, 3, 4"""


def _find_texted(ledger: Ledger, tenant: str | None, params: AuditParams) -> Iterator[AuditFinding]:
    """Orders made, and calls to the provider begun, for somebody who had opted out."""
    effect = int(STOP_EFFECT.total_seconds() * 1000)
    for topic, what, rows in (
        (DISPATCH_ORDERS.name, "ordered", ledger.rows(_ORDERED, tenant)),
        (ATTEMPTS.name, "begun", ledger.rows(_BEGUN, tenant, effect)),
    ):
        for row in rows:
            words = f"a {row['kind']} text was {what} after the opt-out: {row['message_id']}"
            place = _place(topic, row["part"], row["off"])
            at = _format_ms(row["said_ms"])
            yield AuditFinding("texted", row["tenant"], row["number"], at, place, words)


def _find_asked_too_often(
    ledger: Ledger, tenant: str | None, params: AuditParams
) -> Iterator[AuditFinding]:
    """Orders of two opt-in requests to one number within a day, unless the first text was not
    delivered."""
    sql = """SELECT tenant, number, part, off, said_ms, message_id, before FROM (
        SELECT m.*, lag(m.said_ms) OVER (PARTITION BY m.tenant, m.number ORDER BY m.said_ms)
            AS before
        FROM (SELECT tenant, number, message_id, min(part) AS part, min(off) AS off,
                min(said_ms) AS said_ms
            FROM orders
              WHERE kind = ?2 AND (?1 IS NULL OR tenant = ?1) GROUP BY tenant, number, message_id) m
        LEFT JOIN outcomes o ON o.identity = m.tenant || '/' || m.message_id
        LEFT JOIN consent_events f ON f.tenant = m.tenant AND f.number = m.number
            AND f.action = 'ask_failed'
          AND json_extract(f.json, '$.message_id') = m.message_id
        WHERE f.off IS NULL AND coalesce(o.state, '') NOT IN
          ('failed', 'undelivered', 'refused', 'rejected', 'canceled', 'expired')) x
        WHERE said_ms - before < ?3 ORDER BY 1, 2, said_ms"""
    every = int(OPT_IN_REQUEST_EVERY.total_seconds() * 1000)
    for row in ledger.rows(sql, tenant, SystemKind.CONSENT_ASK, every):
        hours = (row["said_ms"] - row["before"]) / 3_600_000
        place = _place(DISPATCH_ORDERS.name, row["part"], row["off"])
        words = f"asked again after {hours:.1f} hours: {row['message_id']}"
        at = _format_ms(row["said_ms"])
        yield AuditFinding("asked", row["tenant"], row["number"], at, place, words)


def _find_over_budget(
    ledger: Ledger, tenant: str | None, params: AuditParams
) -> Iterator[AuditFinding]:
    """How many opt-in requests of each tenant wait for its hourly budget. The record is the latest
    decision on one."""
    sql = """SELECT tenant, waiting, part, off, json FROM (
        SELECT tenant, part, off, json, count(*) OVER (PARTITION BY tenant) AS waiting,
            row_number() OVER (PARTITION BY tenant ORDER BY decided DESC) AS place
        FROM (SELECT d.*, json_extract(d.json, '$.decided_at') AS decided,
                row_number() OVER (PARTITION BY d.tenant, d.message_id ORDER BY d.seq DESC)
                    AS latest
            FROM decisions d WHERE d.kind = ?2 AND (?1 IS NULL OR d.tenant = ?1)) d
        WHERE latest = 1 AND verdict = 'hold'
            AND EXISTS (SELECT 1 FROM json_each(d.json, '$.findings') f
                WHERE json_extract(f.value, '$.rule') = 'ask_budget')) x
        WHERE place = 1 ORDER BY tenant"""
    for row in ledger.rows(sql, tenant, SystemKind.CONSENT_ASK):
        decision = json.loads(row["json"])
        words = (
            f"{row['waiting']:,} wait: raise asks_per_hour, or look at where the numbers come from"
        )
        place = _place(DECISIONS.name, row["part"], row["off"])
        yield AuditFinding("budget", row["tenant"], "", decision["decided_at"], place, words)


CHECKS: Final[dict[str, AuditCheck]] = {
    "unproven": AuditCheck(_find_unproven, "Opted in without evidence"),
    "pending": AuditCheck(_find_pending, "Asked long ago, not answered"),
    "texted": AuditCheck(_find_texted, "Opted out but texted", none=True),
    "asked": AuditCheck(_find_asked_too_often, "Asked more than once in 24 hours", none=True),
    "budget": AuditCheck(
        _find_over_budget, "Opt-in requests held by the tenant's budget", quiet=True
    ),
}


def _place(topic: str, partition: int, offset: int) -> str:
    return f"{topic}/{partition}@{offset}"


def _format_ms(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
