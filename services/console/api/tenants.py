"""Which tenants exist, as far as the ledger knows."""

from __future__ import annotations

from services.ledger import Ledger, LedgerError
from services.ledger.location import Location


class TenantDirectory:
    """Where the ledger is not there, or knows no tenant yet, every tenant is accepted: an opt-out
    must not be refused because the ledger is being rebuilt. Processors decide what becomes of it.
    """

    def __init__(self, ledger: Location) -> None:
        self._location = ledger
        self._known: set[str] = set()

    def has(self, tenant: str) -> bool:
        """A tenant that was found once is not looked up again."""
        if tenant not in self._known and self._is_in_ledger(tenant):
            self._known.add(tenant)
        return tenant in self._known

    def _is_in_ledger(self, tenant: str) -> bool:
        try:
            ledger = Ledger.open(self._location, existing=True)
        except LedgerError:
            return True
        try:
            sql = """SELECT count(*) AS tenants, count(CASE WHEN tenant = ? THEN 1 END) AS found
                FROM tenants"""
            [row] = ledger.rows(sql, tenant)
            return bool(row["found"]) or row["tenants"] == 0
        finally:
            ledger.close()
