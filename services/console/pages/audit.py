"""Who did what to users and roles, and who signed in."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.accounts.audit import AuditAction, AuditLog
from services.console.rendering import draw
from services.console.viewer import ANY, Permission

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings/audit"
PAGE: Final = 100
WORDS: Final = {
    AuditAction.ADDED: "User added",
    AuditAction.ROLES: "Roles changed",
    AuditAction.DISPLAY_NAME: "Name on pages changed",
    AuditAction.PASSWORD: "Password changed",
    AuditAction.DISABLED: "User disabled",
    AuditAction.ENABLED: "User enabled",
    AuditAction.LINK: "One-time link made",
    AuditAction.SIGNED_IN: "Signed in",
    AuditAction.SIGN_IN_FAILED: "Sign-in failed",
    AuditAction.SIGNED_OUT: "Signed out",
    AuditAction.SESSIONS_ENDED: "Other sessions ended",
}


@router.get(PATH)
def show_audit(
    visit: Annotated[Visit, Allow(Permission.AUDIT)],
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> Response:
    """Users belong to no branch: this is for those who see all."""
    if visit.branches is not None:
        raise HTTPException(403)
    found = AuditLog(visit.console.store).read(visit.tenant, before=before, limit=PAGE + 1)
    context: dict[str, Any] = {
        "tab": "audit",
        "entries": found[:PAGE],
        "next_before": found[PAGE - 1].id if len(found) > PAGE else None,
        "words": WORDS,
        "ANY": ANY,
    }
    return draw(visit, "settings_audit.html", **context)
