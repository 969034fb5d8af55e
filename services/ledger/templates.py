"""Every version of each template, as `sms.templates` has it."""

from __future__ import annotations

from schemas.recipe import TemplateVersion
from schemas.topics import TEMPLATES
from services.ledger.ledger import Ledger


def list_versions(
    ledger: Ledger, tenant: str, name: str | None = None
) -> tuple[TemplateVersion, ...]:
    """In the order in which they were applied.  Two versions may be on two partitions."""
    sql = """SELECT json FROM templates WHERE tenant = ?1 AND (?2 IS NULL OR name = ?2)
        ORDER BY part, off"""
    found = [TEMPLATES.decode(row["json"].encode()) for row in ledger.rows(sql, tenant, name)]
    return tuple(sorted(found, key=lambda one: one.at))


def find_version(ledger: Ledger, tenant: str, name: str, version: str) -> TemplateVersion | None:
    sql = "SELECT json FROM templates WHERE tenant = ? AND name = ? AND version = ?"
    for row in ledger.rows(sql, tenant, name, version):
        return TEMPLATES.decode(row["json"].encode())
    return None
