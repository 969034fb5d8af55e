"""Hours whose messages do not add up, as the reconciliation published them."""

from __future__ import annotations

from schemas.reports import BalanceRow
from services.ledger.ledger import Ledger


def list_unbalanced(ledger: Ledger, tenant: str | None = None) -> tuple[BalanceRow, ...]:
    """The newest first."""
    sql = """SELECT json FROM balances WHERE (?1 IS NULL OR tenant = ?1) AND (residue <> 0
        OR json_array_length(json, '$.astray') > 0) ORDER BY json_extract(json, '$.hour') DESC"""
    return tuple(BalanceRow.model_validate_json(row["json"]) for row in ledger.rows(sql, tenant))
