"""What waits, and for what: everything that is neither out nor finished, by cause, the oldest
first.

Waiting is not lag, and most of it is normal. `stuck` counts what is not: what it waited for is
over, and nothing has happened since.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.sender import SenderState, SenderStatus
from schemas.topics import SENDERS
from services.ledger.ledger import Ledger
from streams.error_codes import lookup
from streams.rule_names import first_cause

ABOUT: Final = {
    "consent": "the recipient's yes",
    "approval": "somebody who approves",
    "number": "a number that may be texted",
    "hours": "the hour, by the recipient's clock",
    "cap": "the frequency cap",
    "scheduled": "its own time",
    "clock": "clocks that agree",
    "paused": "a sender that staff paused",
    "pace": "its turn at the sender",
    "provider": "a provider that takes it",
    "in doubt": "word of whether it went",
    "under way": "the provider's answer",
}
_CAUSE_OF_STATE: Final = {
    "queued": "pace",
    "sending": "under way",
    "deferred": "provider",
    "in_doubt": "in doubt",
}

OVERDUE: Final = 300.0
"""Seconds after which a timer must have fired: timers are late by seconds, not by minutes."""
LONGEST_CALL: Final = 60.0
"""Seconds: no call to the provider takes longer."""
LONGEST_IN_DOUBT: Final = 1200.0
"""Seconds after which an in-doubt message needs a person."""


class Waiting(NamedTuple):
    """The messages of one tenant that wait for the same thing."""

    cause: str
    tenant: str
    sender: str | None
    """For messages in a sender's queue."""
    messages: int
    segments: int
    drain: float | None
    """Seconds until the sender's queue is empty."""
    since: datetime
    """When the oldest began to wait."""
    oldest: str
    """Its message id."""
    stuck: int
    """How many should have moved by now."""
    because: str
    code: str | None = None
    """What the provider said, where that is why they wait."""


class _Message(NamedTuple):
    cause: str
    tenant: str
    sender: str | None
    message_id: str
    segments: int
    since: datetime
    stuck: bool
    code: str | None = None


def list_waiting(
    ledger: Ledger, tenant: str | None = None, now: float | None = None
) -> list[Waiting]:
    """`now`: seconds since 1970, UTC."""
    clock = time.time() if now is None else now
    senders = ledger.rows("SELECT sender, json FROM senders")
    paces = {
        row["sender"]: SENDERS.decode(row["json"].encode()).segments_per_second for row in senders
    }
    resting = _resting_senders(ledger)
    groups: defaultdict[tuple[str, str, str | None], list[_Message]] = defaultdict(list)
    queued: defaultdict[str | None, int] = defaultdict(int)
    for message in _messages(ledger, tenant, clock):
        groups[message.cause, message.tenant, message.sender].append(message)
        queued[message.sender] += message.segments if message.cause == "pace" else 0
    found = []
    for (cause, owner, sender), group in groups.items():
        in_queue = cause == "pace" and sender in paces
        drain = queued[sender] / paces[sender] if in_queue and sender else None
        code = _provider_code(cause, group, resting.get(sender or ""))
        found.append(_summarize(cause, owner, sender, group, drain, clock, code))
    return sorted(found, key=lambda line: (-line.stuck, list(ABOUT).index(line.cause), line.since))


def _messages(ledger: Ledger, tenant: str | None, now: float) -> Iterator[_Message]:
    statuses = ledger.rows("SELECT sender FROM sender_status WHERE state = ?", "paused")
    paused = {row["sender"] for row in statuses}
    sql = """SELECT o.tenant, o.message_id, o.state, o.sender, o.json, d.json AS decision
        FROM outcomes o
        LEFT JOIN decisions d ON d.rowid = (SELECT rowid FROM decisions
            WHERE message_id = o.message_id
            AND tenant = o.tenant ORDER BY seq DESC LIMIT 1)
        WHERE o.facet IN (SELECT id FROM facets WHERE count > 0 AND (?1 IS NULL OR tenant = ?1)
            AND state IN ('held', 'queued', 'sending', 'deferred', 'in_doubt'))
        ORDER BY o.requested_ms, o.rowid"""
    for row in ledger.rows(sql, tenant):
        outcome = json.loads(row["json"])
        until = None
        if row["state"] == "held":
            cause, until = _hold_cause(json.loads(row["decision"] or "{}"))
            sender = None
            since = datetime.fromisoformat(outcome["requested_at"])
        else:
            cause = _CAUSE_OF_STATE[row["state"]]
            sender = row["sender"]
            since = datetime.fromisoformat(outcome["at"])
        if cause == "pace" and row["sender"] in paused:
            cause = "paused"
        late = now - (until or since).timestamp()
        yield _Message(
            cause,
            row["tenant"],
            sender,
            row["message_id"],
            int(outcome.get("segments", 0)),
            since,
            _is_stuck(cause, late, until is not None),
            outcome.get("error_code"),
        )


def _resting_senders(ledger: Ledger) -> dict[str, str]:
    """By sender: what the provider said, while the sender pauses for it."""
    rows = ledger.rows("SELECT json FROM sender_status WHERE state = ?", SenderState.RESTING)
    found = (SenderStatus.model_validate_json(row["json"]) for row in rows)
    return {one.sender: one.last_error.code for one in found if one.last_error}


def _provider_code(cause: str, group: list[_Message], resting: str | None) -> str | None:
    """What the provider said to the texts that wait for it, or to the sender in whose queue they
    are."""
    if cause == "provider":
        codes = Counter(message.code for message in group if message.code)
        return next((code for code, _ in codes.most_common(1)), resting)
    return resting if cause == "pace" else None


def _hold_cause(decision: dict[str, Any]) -> tuple[str, datetime | None]:
    """What has to happen first, and until when the gate holds the message."""
    rules = {
        finding["rule"]
        for finding in decision.get("findings", ())
        if finding.get("verdict") == "hold"
    }
    until = decision.get("until")
    return first_cause(rules), datetime.fromisoformat(until) if until else None


def _is_stuck(cause: str, late: float, has_timer: bool) -> bool:
    """`late`: seconds since the hold's timer, or since the message came into this state."""
    if cause == "under way":
        return late > LONGEST_CALL
    if cause == "in doubt":
        return late > LONGEST_IN_DOUBT
    return late > OVERDUE and (has_timer or cause == "provider")


def _summarize(
    cause: str,
    tenant: str,
    sender: str | None,
    group: list[_Message],
    drain: float | None,
    now: float,
    code: str | None,
) -> Waiting:
    oldest = min(group, key=lambda message: message.since)
    if drain is None:
        stuck = sum(message.stuck for message in group)
    else:
        # In a queue: waiting longer than the whole queue takes to drain.
        stuck = sum(now - message.since.timestamp() > drain + OVERDUE for message in group)
    return Waiting(
        cause,
        tenant,
        sender,
        len(group),
        sum(message.segments for message in group),
        drain,
        oldest.since,
        oldest.message_id,
        stuck,
        f"{ABOUT[cause]}; {code}: {lookup(code).title}" if code else ABOUT[cause],
        code,
    )
