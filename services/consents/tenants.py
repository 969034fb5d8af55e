"""Which tenants there are, as far as the ledger knows."""

from __future__ import annotations

from pathlib import Path

from services.ledger import Ledger, LedgerError
from services.ledger.ledger import FILE


class Tenants:
    """Who was found once stays found; who was not is looked for each time.  Without a ledger everybody is taken for
    known: the gate judges what comes of it."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE
        self._found: set[str] = set()

    def known(self, tenant: str) -> bool:
        if tenant not in self._found and self._in_ledger(tenant):
            self._found.add(tenant)
        return tenant in self._found

    def _in_ledger(self, tenant: str) -> bool:
        try:
            ledger = Ledger.open(self._path, existing=True)
        except LedgerError:
            return True
        try:
            return bool(ledger.rows("SELECT 1 FROM tenants WHERE tenant = ?", tenant))
        finally:
            ledger.close()
