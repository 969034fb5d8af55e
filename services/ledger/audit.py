"""Does the record of consent hold what it should, and did we do what it says?  Asked of the topics, not of the gate.

Two of the findings are promises, of which there must be none; the others are for people to look after.
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

ASK_EVERY: Final = timedelta(hours=24)
TAKES_EFFECT: Final = timedelta(seconds=1)
"""How soon after the gate has judged a STOP no text may be begun any more."""

PROOF: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    ConsentSource.INBOUND: (("text",), ("topic",)),
    ConsentSource.FORM: (("wording", "document", "url"), ("topic",)),
    ConsentSource.IMPORT: (("document", "wording", "url"), ("topic",)),
}
"""What evidence a yes must have, by its source: of each group one field at least."""
BY_STAFF: Final = (("document",), ("actor",))
"""And from any other source."""


class Found(NamedTuple):
    """`at`: RFC 3339, UTC.  `place`: the record that shows it, as topic/partition@offset."""

    check: str
    tenant: str
    number: str
    at: str
    place: str
    words: str


class Since(NamedTuple):
    """`pending`: how long somebody may leave our request unanswered before it is worth a look."""

    now: datetime
    pending: timedelta


Check = Callable[[Ledger, str | None, Since], Iterator[Found]]


def audit(ledger: Ledger, tenant: str | None, since: Since) -> dict[str, list[Found]]:
    """What each check found, by its name, in the order of CHECKS."""
    return {name: list(kind.check(ledger, tenant, since)) for name, kind in CHECKS.items()}


def _unproven(ledger: Ledger, tenant: str | None, since: Since) -> Iterator[Found]:
    """The entry that brought the consent which stands now, and whether it says how."""
    sql = """SELECT s.tenant, s.number, s.part AS status_part, s.off AS status_off, s.at_ms, l.part, l.off, l.json
        FROM consent_status s LEFT JOIN consent_log l ON l.rowid = (SELECT b.rowid FROM consent_log b
            WHERE b.number = s.number AND b.tenant = s.tenant AND b.applied AND b.action = 'opt_in'
              AND b."now" = 'opted_in' AND b.was <> 'opted_in' ORDER BY b.part, b.off DESC LIMIT 1)
        WHERE s.state = 'opted_in' AND (?1 IS NULL OR s.tenant = ?1) ORDER BY 1, 2"""
    for row in ledger.rows(sql, tenant):
        if row["json"] is None:
            place = _place(CONSENT_STATUS.name, row["status_part"], row["status_off"])
            yield Found(
                "unproven",
                row["tenant"],
                row["number"],
                _time(row["at_ms"]),
                place,
                "no entry says how",
            )
            continue
        entry = json.loads(row["json"])
        if lacking := _lacking(entry):
            place = _place(CONSENT_LOG.name, row["part"], row["off"])
            words = f"{entry['source']}: without {lacking}"
            yield Found("unproven", row["tenant"], row["number"], entry["at"], place, words)


def _lacking(entry: Mapping[str, Any]) -> str:
    evidence = entry.get("evidence") or {}
    groups = PROOF.get(entry["source"], BY_STAFF)
    return " and ".join(
        " or ".join(group) for group in groups if not any(evidence.get(name) for name in group)
    )


def _pending(ledger: Ledger, tenant: str | None, since: Since) -> Iterator[Found]:
    sql = """SELECT tenant, number, part, off, json FROM consent_status
        WHERE state = 'pending' AND (?1 IS NULL OR tenant = ?1) ORDER BY 1, 2"""
    for row in ledger.rows(sql, tenant):
        asked_at = json.loads(row["json"]).get("asked_at")
        waited = since.now - datetime.fromisoformat(asked_at) if asked_at else None
        if waited is None or waited > since.pending:
            words = (
                f"asked {waited.days} days ago, no answer"
                if waited
                else "nobody knows when they were asked"
            )
            place = _place(CONSENT_STATUS.name, row["part"], row["off"])
            yield Found("pending", row["tenant"], row["number"], asked_at or "", place, words)


_OUT = """out_ AS (SELECT tenant, number, said_ms AS began, CASE WHEN "now" <> 'opted_out' THEN sender END AS only,
        (SELECT i.said_ms FROM consent_log i WHERE i.number = o.number AND i.tenant = o.tenant AND i.part = o.part
          AND i.off > o.off AND i.applied AND i.action = 'opt_in'
          AND CASE WHEN o."now" = 'opted_out' THEN i."now" = 'opted_in' ELSE i.sender = o.sender END
        ORDER BY i.off LIMIT 1) AS ended
    FROM consent_log o WHERE applied AND action = 'opt_out' AND (?1 IS NULL OR tenant = ?1)
      AND CASE WHEN "now" = 'opted_out' THEN was <> 'opted_out' ELSE sender IS NOT NULL END)"""
"""When each number was opted out, from and to; `only`: from this sender alone (its STOP's scope, or the carrier's)."""

_TO_THEM = "m.number = out_.number AND m.tenant = out_.tenant AND (only IS NULL OR m.sender = only)"


def _texted(ledger: Ledger, tenant: str | None, since: Since) -> Iterator[Found]:
    """Orders made, and calls to the provider begun, for somebody who was opted out."""
    allowed = ", ".join(f"'{kind}'" for kind in AFTER_OPT_OUT)
    ordered = f"""WITH {_OUT} SELECT DISTINCT m.tenant, m.number, m.part, m.off, m.kind, m.said_ms, m.message_id
        FROM out_ JOIN orders m ON {_TO_THEM}
        WHERE m.said_ms > began AND (ended IS NULL OR m.said_ms < ended) AND m.kind NOT IN ({allowed})"""
    begun = f"""WITH {_OUT} SELECT DISTINCT a.tenant, m.number, a.part, a.off, m.kind, a.said_ms, a.message_id
        FROM out_ JOIN orders m ON {_TO_THEM}
        JOIN attempts a ON a.message_id = m.message_id AND a.tenant = m.tenant AND a.state = 'sending'
        WHERE a.said_ms > began + ?2 AND (ended IS NULL OR a.said_ms < ended) AND m.kind NOT IN ({allowed})"""
    effect = int(TAKES_EFFECT.total_seconds() * 1000)
    for topic, what, rows in (
        (DISPATCH_ORDERS.name, "ordered", ledger.rows(ordered, tenant)),
        (ATTEMPTS.name, "begun", ledger.rows(begun, tenant, effect)),
    ):
        for row in rows:
            words = f"a {row['kind']} text was {what} after the opt-out: {row['message_id']}"
            place = _place(topic, row["part"], row["off"])
            yield Found("texted", row["tenant"], row["number"], _time(row["said_ms"]), place, words)


def _asked_too_often(ledger: Ledger, tenant: str | None, since: Since) -> Iterator[Found]:
    """Two orders for different asks to one number within a day, unless the first one's text came to nothing."""
    sql = """SELECT tenant, number, part, off, said_ms, message_id, before FROM (
        SELECT m.*, lag(m.said_ms) OVER (PARTITION BY m.tenant, m.number ORDER BY m.said_ms) AS before
        FROM (SELECT tenant, number, message_id, part, min(off) AS off, min(said_ms) AS said_ms FROM orders
              WHERE kind = ?2 AND (?1 IS NULL OR tenant = ?1) GROUP BY tenant, number, message_id) m
        LEFT JOIN outcomes o ON o.identity = m.tenant || '/' || m.message_id
        LEFT JOIN consent_events f ON f.tenant = m.tenant AND f.number = m.number AND f.action = 'ask_failed'
          AND json_extract(f.json, '$.message_id') = m.message_id
        WHERE f.off IS NULL AND coalesce(o.state, '') NOT IN
          ('failed', 'undelivered', 'refused', 'rejected', 'canceled', 'expired'))
        WHERE said_ms - before < ?3 ORDER BY 1, 2, said_ms"""
    for row in ledger.rows(
        sql, tenant, SystemKind.CONSENT_ASK, int(ASK_EVERY.total_seconds() * 1000)
    ):
        hours = (row["said_ms"] - row["before"]) / 3_600_000
        place = _place(DISPATCH_ORDERS.name, row["part"], row["off"])
        words = f"asked again after {hours:.1f} hours: {row['message_id']}"
        yield Found("asked", row["tenant"], row["number"], _time(row["said_ms"]), place, words)


def _over_budget(ledger: Ledger, tenant: str | None, since: Since) -> Iterator[Found]:
    """By tenant, how many opt-in requests wait for room in its hours; the record is the latest decision on one."""
    sql = """SELECT tenant, count(*) AS waiting, part, off, json, max(decided) FROM (
        SELECT d.*, json_extract(d.json, '$.decided_at') AS decided FROM decisions d
        WHERE d.kind = ?2 AND (?1 IS NULL OR d.tenant = ?1) AND d.verdict = 'hold'
          AND d.seq = (SELECT max(l.seq) FROM decisions l WHERE l.message_id = d.message_id AND l.tenant = d.tenant)
          AND EXISTS (SELECT 1 FROM json_each(d.json, '$.findings') f
                      WHERE json_extract(f.value, '$.rule') = 'ask_budget')
        GROUP BY d.tenant, d.message_id)
        GROUP BY tenant ORDER BY tenant"""
    for row in ledger.rows(sql, tenant, SystemKind.CONSENT_ASK):
        decision = json.loads(row["json"])
        words = (
            f"{row['waiting']:,} wait: raise asks_per_hour, or look at where the numbers come from"
        )
        place = _place(DECISIONS.name, row["part"], row["off"])
        yield Found("budget", row["tenant"], "", decision["decided_at"], place, words)


class Kind(NamedTuple):
    """`none`: there must be none.  `quiet`: nothing is said of it where there is none."""

    check: Check
    title: str
    none: bool = False
    quiet: bool = False


CHECKS: Final[dict[str, Kind]] = {
    "unproven": Kind(_unproven, "Opted in without evidence"),
    "pending": Kind(_pending, "Asked long ago, not answered"),
    "texted": Kind(_texted, "Opted out but texted", none=True),
    "asked": Kind(_asked_too_often, "Asked more than once in 24 hours", none=True),
    "budget": Kind(_over_budget, "Opt-in requests held by the tenant's budget", quiet=True),
}


def _place(topic: str, partition: int, offset: int) -> str:
    return f"{topic}/{partition}@{offset}"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
