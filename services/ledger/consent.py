"""What is on record of a number's consent: where it stands, and everything that led there."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from schemas.numbers import e164
from services.ledger.ledger import Ledger


class Standing(NamedTuple):
    """`status` is None where nothing was ever decided; `claims` not yet judged are in `claims` and not in `log`.
    Oldest first."""

    tenant: str
    number: str
    status: dict[str, Any] | None
    log: tuple[dict[str, Any], ...]
    claims: tuple[dict[str, Any], ...]
    replies: tuple[dict[str, Any], ...]


def consent(ledger: Ledger, number: str, tenant: str | None = None) -> tuple[Standing, ...]:
    """One per tenant that knows the number."""
    number = e164(number)
    names = ("consent_events", "consent_log", "consent_status", "replies")
    union = " UNION ".join(f"SELECT tenant FROM {name} WHERE number = ?1" for name in names)
    tenants = sorted(row["tenant"] for row in ledger.rows(union, number))
    return tuple(_standing(ledger, number, name) for name in tenants if tenant in (None, name))


def _standing(ledger: Ledger, number: str, tenant: str) -> Standing:
    def told(table: str) -> tuple[dict[str, Any], ...]:
        sql = f"SELECT json FROM {table} WHERE number = ? AND tenant = ? ORDER BY part, off"
        return tuple(json.loads(row["json"]) for row in ledger.rows(sql, number, tenant))

    status = told("consent_status")
    return Standing(
        tenant,
        number,
        status[0] if status else None,
        told("consent_log"),
        told("consent_events"),
        told("replies"),
    )
