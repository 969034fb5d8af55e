"""Who did what to users and their roles, and who signed in or failed to: a table of the console's
store, and a line of its log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

import structlog

from services.console.accounts.store import Store
from services.console.viewer import ANY, Grant

KEPT_DAYS: Final = 400
"""More than a year, for audits that come once a year."""
log = structlog.get_logger("sayso.audit")


class AuditAction(StrEnum):
    ADDED = "added"
    ROLES = "roles"
    DISPLAY_NAME = "display_name"
    PASSWORD = "password"  # noqa: S105  # what was changed, not one
    DISABLED = "disabled"
    ENABLED = "enabled"
    LINK = "link"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"


class AuditEntry(NamedTuple):
    id: int
    at: datetime
    by: str
    """A user, or who ran the command line. Empty: nobody knows."""
    action: str
    subject: str
    """Whom it was done to. Empty: nobody that is known. What was typed instead may be a
    password."""
    tenant: str
    """Empty: it is about the user as such."""
    detail: str


class AuditLog:
    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self,
        at: datetime,
        by: str,
        action: AuditAction,
        subject: str,
        *,
        tenant: str = "",
        detail: str = "",
    ) -> None:
        seconds = int(at.timestamp())
        with self._store.transaction():
            self._store.change("DELETE FROM audit WHERE at < ?", seconds - KEPT_DAYS * 86_400)
            self._store.change(
                "INSERT INTO audit VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                *(seconds, by, action.value, subject, tenant, detail),
            )
        if structlog.is_configured():  # the command line has no log, and prints
            log.info(action.value, by=by, subject=subject, tenant=tenant, detail=detail)

    def record_roles(
        self, at: datetime, by: str, subject: str, before: Iterable[Grant], after: Iterable[Grant]
    ) -> None:
        """One entry for each tenant, so that none reads what somebody has at another."""
        had, has = set(before), set(after)
        for tenant in sorted({grant.tenant for grant in had ^ has}):
            given = sorted(describe_role(one) for one in has - had if one.tenant == tenant)
            taken = sorted(describe_role(one) for one in had - has if one.tenant == tenant)
            detail = ", ".join([*(f"+ {one}" for one in given), *(f"- {one}" for one in taken)])
            self.record(at, by, AuditAction.ROLES, subject, tenant=tenant, detail=detail)

    def read(self, tenant: str, *, before: int | None = None, limit: int) -> list[AuditEntry]:
        """What concerns a tenant, the newest first: its roles, and whoever has one there."""
        sql = """SELECT * FROM audit WHERE (tenant IN (?1, ?2) OR (tenant = '' AND subject IN
                (SELECT name FROM all_grants WHERE tenant IN (?1, ?2))))
            AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4"""
        return [
            AuditEntry(
                row["id"],
                datetime.fromtimestamp(row["at"], UTC),
                row["by"],
                row["action"],
                row["subject"],
                row["tenant"],
                row["detail"],
            )
            for row in self._store.rows(sql, tenant, ANY, before, limit)
        ]


def describe_role(grant: Grant) -> str:
    """Without its tenant, which stands beside it."""
    return grant.role.value if grant.branch == ANY else f"{grant.role.value} at {grant.branch}"
