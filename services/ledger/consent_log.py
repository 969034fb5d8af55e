"""A number's consent log as it stands on the topic, entry by entry, with its place."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from schemas.numbers import e164
from schemas.topics import CONSENT_LOG
from services.ledger.ledger import Ledger


class Entry(NamedTuple):
    """`entry` is the record's value, parsed and nothing else: its hash can be computed from it.  `at_ms`: the record's
    time, milliseconds since 1970, UTC."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    entry: dict[str, Any]


class Log(NamedTuple):
    """`entries` in the order of the log; `status` as last published; `settings` the tenant's, as they are now."""

    tenant: str
    number: str
    entries: tuple[Entry, ...]
    status: dict[str, Any] | None
    settings: dict[str, Any] | None


def consent_logs(ledger: Ledger, number: str, tenant: str | None = None) -> tuple[Log, ...]:
    """One per tenant that has entries of the number."""
    number = e164(number)
    found = ledger.rows(
        "SELECT DISTINCT tenant FROM consent_log WHERE number = ? ORDER BY 1", number
    )
    return tuple(
        _log(ledger, number, row["tenant"]) for row in found if tenant in (None, row["tenant"])
    )


def _log(ledger: Ledger, number: str, tenant: str) -> Log:
    sql = "SELECT part, off, at_ms, json FROM consent_log WHERE number = ? AND tenant = ? ORDER BY part, off"
    entries = tuple(
        Entry(CONSENT_LOG.name, row["part"], row["off"], row["at_ms"], json.loads(row["json"]))
        for row in ledger.rows(sql, number, tenant)
    )
    status = ledger.rows(
        "SELECT json FROM consent_status WHERE number = ? AND tenant = ?", number, tenant
    )
    settings = ledger.rows("SELECT json FROM tenants WHERE tenant = ?", tenant)
    return Log(tenant, number, entries, _json(status), _json(settings))


def _json(rows: list[Any]) -> dict[str, Any] | None:
    return json.loads(rows[0]["json"]) if rows else None
