"""What waits, and for what: everything that is neither out nor done with, by cause, the oldest first.

Waiting is not lag, and most of it is as it should be; `stuck` says where it is not: what it waited for is over, and
nothing has happened since."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.sender import Sender
from services.ledger.ledger import Ledger
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
_STATES: Final = {
    "queued": "pace",
    "sending": "under way",
    "deferred": "provider",
    "in_doubt": "in doubt",
}

OVERDUE: Final = 300.0
"""Seconds after which something that was to happen by itself has not: wakes are late by seconds, not by minutes."""
CALL: Final = 60.0
"""Seconds: no call to the provider takes so long."""
DOUBT: Final = 1200.0
"""Seconds after which what is in doubt needs a person."""


class Waiting(NamedTuple):
    """`sender` and `drain` (seconds) where it waits for its turn.  `since`: when the oldest began to wait;
    `oldest` its id.  `stuck`: how many should have moved by now."""

    cause: str
    tenant: str
    sender: str | None
    messages: int
    segments: int
    drain: float | None
    since: datetime
    oldest: str
    stuck: int
    because: str


class _One(NamedTuple):
    cause: str
    tenant: str
    sender: str | None
    message_id: str
    segments: int
    since: datetime
    stuck: bool


def waiting(ledger: Ledger, tenant: str | None = None, now: float | None = None) -> list[Waiting]:
    """`now`: seconds since 1970, UTC."""
    moment = time.time() if now is None else now
    paces = {
        row["sender"]: _pace(row["json"]) for row in ledger.rows("SELECT sender, json FROM senders")
    }
    groups: defaultdict[tuple[str, str, str | None], list[_One]] = defaultdict(list)
    queued: defaultdict[str | None, int] = defaultdict(int)
    for one in _all(ledger, tenant, moment):
        groups[one.cause, one.tenant, one.sender].append(one)
        queued[one.sender] += one.segments if one.cause == "pace" else 0
    found = [_line(key, group, queued, paces, moment) for key, group in groups.items()]
    return sorted(found, key=lambda line: (-line.stuck, list(ABOUT).index(line.cause), line.since))


def _all(ledger: Ledger, tenant: str | None, now: float) -> Iterator[_One]:
    paused = {
        row["sender"]
        for row in ledger.rows("SELECT sender FROM sender_status WHERE state = ?", "paused")
    }
    sql = """SELECT o.tenant, o.message_id, o.state, o.sender, o.json, d.json AS decision FROM outcomes o
        LEFT JOIN decisions d ON d.rowid = (SELECT rowid FROM decisions WHERE message_id = o.message_id
            AND tenant = o.tenant ORDER BY seq DESC LIMIT 1)
        WHERE o.state IN ('held', 'queued', 'sending', 'deferred', 'in_doubt') AND (?1 IS NULL OR o.tenant = ?1)"""
    for row in ledger.rows(sql, tenant):
        outcome = json.loads(row["json"])
        held = row["state"] == "held"
        cause, until = (
            _held_by(json.loads(row["decision"] or "{}")) if held else (_STATES[row["state"]], None)
        )
        if cause == "pace" and row["sender"] in paused:
            cause = "paused"
        at = datetime.fromisoformat(outcome["requested_at"] if held else outcome["at"])
        late = now - (until or at).timestamp()
        yield _One(
            cause,
            row["tenant"],
            None if held else row["sender"],
            row["message_id"],
            int(outcome.get("segments", 0)),
            at,
            _stuck(cause, late, until is not None),
        )


def _held_by(decision: dict[str, Any]) -> tuple[str, datetime | None]:
    """What has to happen first, and until when the gate said that it waits."""
    rules = [
        found["rule"] for found in decision.get("findings", ()) if found.get("verdict") == "hold"
    ]
    until = decision.get("until")
    return first_cause(rules), datetime.fromisoformat(until) if until else None


def _stuck(cause: str, late: float, timed: bool) -> bool:
    """`late`: seconds since the hold was to end, or since it came into this state."""
    if cause == "under way":
        return late > CALL
    if cause == "in doubt":
        return late > DOUBT
    return late > OVERDUE if timed or cause == "provider" else False


def _line(
    key: tuple[str, str, str | None],
    group: list[_One],
    queued: dict[str | None, int],
    paces: dict[str, float],
    now: float,
) -> Waiting:
    cause, tenant, sender = key
    first = min(group, key=lambda one: one.since)
    drain = queued[sender] / paces[sender] if cause == "pace" and sender in paces else None
    stuck = sum(one.stuck for one in group)
    if (
        drain is not None
    ):  # longer than the whole queue needs, and nothing of what waits is that old by itself
        stuck = sum(now - one.since.timestamp() > drain + OVERDUE for one in group)
    return Waiting(
        cause,
        tenant,
        sender,
        len(group),
        sum(one.segments for one in group),
        drain,
        first.since,
        first.message_id,
        stuck,
        ABOUT[cause],
    )


def _pace(text: str) -> float:
    return Sender.model_validate_json(text).segments_per_second
