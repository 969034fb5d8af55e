"""What is in doubt: calls that were cut off, and what has been found out of them since."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.attempt import Attempt, AttemptState
from services.ledger.ledger import Ledger
from streams.lifecycle import State


class Doubt(NamedTuple):
    """`since`: RFC 3339, UTC.  `evidence`: why it is in doubt; `found`: what was last found in the provider's list, or
    why nothing could be; empty while nobody has looked.  `reports`: how often dispatch has told of this attempt."""

    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    since: str
    evidence: str
    found: str
    reports: int


STATES: Final = (State.IN_DOUBT, State.DEFERRED)
ABSENT: Final = "absent"
"""The code of what the provider's list has not: it counts as deferred, but is looked for again before it may go."""


def doubts(ledger: Ledger, tenant: str | None = None, message_id: str | None = None) -> list[Doubt]:
    """The longest standing first."""
    rows = ledger.rows(
        """SELECT tenant, message_id FROM outcomes WHERE state IN (?1, ?2)
           AND (?3 IS NULL OR tenant = ?3) AND (?4 IS NULL OR message_id = ?4)""",
        *STATES,
        tenant,
        message_id,
    )
    found = (_of(ledger, row["tenant"], row["message_id"]) for row in rows)
    return sorted((doubt for doubt in found if doubt), key=lambda doubt: doubt.since)


def _of(ledger: Ledger, tenant: str, message_id: str) -> Doubt | None:
    """Of its last attempt.  The reports of one message stand in one partition, in the order in which they were made."""
    rows = ledger.rows(
        "SELECT json FROM attempts WHERE message_id = ? AND tenant = ? ORDER BY off",
        message_id,
        tenant,
    )
    reports = [Attempt.model_validate_json(row["json"]) for row in rows]
    last = max((report.attempt for report in reports), default=0)
    ours = [report for report in reports if report.attempt == last]
    first = next((report for report in ours if report.state is AttemptState.IN_DOUBT), None)
    if first is None or not _open(ours[-1]):
        return None
    latest = ours[-1]
    return Doubt(
        tenant,
        message_id,
        last,
        first.sender,
        _number(ledger, tenant, message_id, first),
        first.at.isoformat().replace("+00:00", "Z"),
        _words(first),
        _words(latest) if latest is not first else "",
        len(ours),
    )


def _open(report: Attempt) -> bool:
    return report.state is AttemptState.IN_DOUBT or (
        report.state is AttemptState.DEFERRED and report.code == ABSENT
    )


def _words(report: Attempt) -> str:
    code = f"code {report.code}" if report.code and report.code.isdecimal() else ""
    return "; ".join(filter(None, (report.evidence, code)))


def _number(ledger: Ledger, tenant: str, message_id: str, report: Attempt) -> str:
    if report.to:
        return report.to
    rows = ledger.rows(
        "SELECT number FROM orders WHERE message_id = ? AND tenant = ? LIMIT 1", message_id, tenant
    )
    return str(rows[0]["number"]) if rows else ""
