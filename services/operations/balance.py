"""Reconcile the last hours: whether every request is accounted for, and what is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from schemas.reports import BalanceRow
from services.ledger import Ledger
from services.ledger.reconciliation import Unaccounted, build_row, find_unaccounted, list_hours


class Balance(NamedTuple):
    rows: tuple[BalanceRow, ...]
    """One for each hour in which something was requested."""
    missing: tuple[Unaccounted, ...]
    """Messages that the equation misses, and why."""

    @property
    def unbalanced(self) -> tuple[BalanceRow, ...]:
        return tuple(row for row in self.rows if row.residue or row.astray)

    @property
    def requested(self) -> int:
        return sum(row.requested for row in self.rows)


def read_balance(ledger: Ledger, tenant: str | None, hours: int, now: datetime) -> Balance:
    """Of so many hours back, and of what was requested for later by a clock that is ahead."""
    span = list_hours(ledger, now - timedelta(hours=hours), now + timedelta(days=1), tenant)
    counted = [(hour, build_row(ledger, hour, now)) for hour in span]
    missing = [
        one
        for hour, row in counted
        if row.residue or row.astray
        for one in find_unaccounted(ledger, hour)
    ]
    return Balance(tuple(row for _, row in counted), tuple(missing))


def describe_balance(balance: Balance, *, everything: bool) -> dict[str, Any]:
    """`everything`: also the hours that balance."""
    shown = balance.rows if everything else balance.unbalanced
    return {
        "residue": sum(row.residue for row in balance.rows),
        "hours": [row.model_dump(mode="json", exclude={"at", "astray"}) for row in shown],
        "astray": [one._asdict() for one in balance.missing],
    }
