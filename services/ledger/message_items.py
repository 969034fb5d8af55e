"""A message as lists and mailboxes show it: its outcome, its mailbox, and why it is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.decision import Finding
from services.ledger.ledger import Ledger
from services.ledger.message_facets import (
    EXPLAINED_BY_DECISION,
    IS_SETTLED,
    LAST_DECISION,
    read_findings,
)
from streams.lifecycle import State
from streams.mailboxes import Box, MessageView, find_box, needs_attention


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


_EXPLAINED: Final = ", ".join(f"'{state}'" for state in sorted(EXPLAINED_BY_DECISION))


def read_items(ledger: Ledger, rows: Sequence[int], now: datetime) -> list[MailboxItem]:
    """Rows of `outcomes`, in this order."""
    sql = f"""SELECT o.tenant, o.message_id, o.json,
        CASE WHEN o.state IN ({_EXPLAINED}) THEN {LAST_DECISION} END AS decision,
        {IS_SETTLED} AS settled
        FROM json_each(?) j CROSS JOIN outcomes o ON o.rowid = CAST(j.value AS INTEGER)
        ORDER BY j.key"""
    return [_item(row, now) for row in ledger.rows(sql, json.dumps(list(rows)))]


def _item(row: Any, now: datetime) -> MailboxItem:
    outcome = json.loads(row["json"])
    findings = read_findings(row["decision"])
    message = MessageView(State(outcome["state"]), findings, bool(row["settled"]))
    return MailboxItem(
        row["tenant"],
        row["message_id"],
        find_box(message, now),
        needs_attention(message, now),
        outcome,
        findings,
    )


def find_items(
    ledger: Ledger, ids: Sequence[str], now: datetime, tenant: str | None = None
) -> tuple[MailboxItem, ...]:
    """The messages of these ids, in whatever box they are; newest first."""
    # By way of the decisions, which have an index of message ids across tenants.
    sql = """SELECT DISTINCT o.rowid AS row, o.requested_ms FROM json_each(?1) j
        CROSS JOIN decisions d ON d.message_id = j.value
        JOIN outcomes o ON o.identity = d.tenant || '/' || d.message_id
        WHERE ?2 IS NULL OR o.tenant = ?2 ORDER BY o.requested_ms DESC, o.rowid DESC"""
    rows = ledger.rows(sql, json.dumps(list(ids)), tenant)
    return tuple(read_items(ledger, [row["row"] for row in rows], now))
