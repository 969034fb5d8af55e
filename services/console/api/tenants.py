"""Which tenants exist, as far as the ledger knows."""

from __future__ import annotations

from pathlib import Path

from services.ledger import Ledger, LedgerError
from services.ledger.ledger import FILE


class TenantDirectory:
    """Without a ledger every tenant is accepted: processors decide what becomes of a record."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._known: set[str] = set()

    def has(self, tenant: str) -> bool:
        """A tenant that was found once is not looked up again."""
        if tenant not in self._known and self._is_in_ledger(tenant):
            self._known.add(tenant)
        return tenant in self._known

    def _is_in_ledger(self, tenant: str) -> bool:
        try:
            ledger = Ledger.open(self._path, existing=True)
        except LedgerError:
            return True
        try:
            return bool(ledger.rows("SELECT 1 FROM tenants WHERE tenant = ?", tenant))
        finally:
            ledger.close()
