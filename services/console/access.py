"""Every route says what it takes to use it: `visit: Annotated[Visit, Allow(Permission.READ)]`.

Who has not signed in is sent to the sign-in page; who may not use a tenant is told that there is no
such page, because its name is nobody else's business.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from schemas.base import IDENTITY
from services.console.accounts.sessions import Sessions
from services.console.accounts.users import Users
from services.console.console import Console
from services.console.viewer import Permission, Viewer

COOKIE: Final = "__Host-session"
"""The prefix makes browsers refuse it from other hosts and over plain HTTP (RFC 6265bis, 4.1.3).
Browsers take 127.0.0.1 and localhost for secure."""


class SignInRequired(Exception):
    """Nobody has signed in, or the session has ended."""


class Visit(NamedTuple):
    """A request by somebody who may make it."""

    request: Request
    console: Console
    viewer: Viewer
    permission: Permission
    tenant: str
    """Empty on pages that belong to no tenant."""
    now: datetime

    @property
    def branches(self) -> frozenset[str] | None:
        """Those that they may see here. None: all, and what has no branch."""
        return self.viewer.branches(self.permission, self.tenant)

    def may(self, permission: Permission, branch: str | None = None) -> bool:
        return self.viewer.may(permission, self.tenant, branch)


def is_tenant_of(viewer: Viewer, tenant: str) -> bool:
    """Names that no tenant can have are nobody's: they stand in names of files and in headers."""
    return IDENTITY.fullmatch(tenant) is not None and any(
        grant.is_for(tenant) for grant in viewer.grants
    )


class Requirement:
    """The dependency behind `Allow`. `tests/console` find it on each route."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    def __call__(self, request: Request) -> Visit:
        console: Console = request.app.state.console
        now = console.clock()
        viewer = find_viewer(request, now)
        if viewer is None:
            raise SignInRequired
        tenant = request.path_params.get("tenant", "")
        if tenant and not is_tenant_of(viewer, tenant):
            raise HTTPException(404)
        allowed = (
            self.permission is None
            or (tenant and viewer.may(self.permission, tenant))
            or (not tenant and viewer.may_anywhere(self.permission))
        )
        if not allowed:
            raise HTTPException(403)
        permission = self.permission or Permission.READ
        return Visit(request, console, viewer, permission, tenant, now)


class Public:
    """The dependency of routes that anybody may use."""

    def __call__(self, request: Request) -> Console:
        console: Console = request.app.state.console
        return console


def Allow(permission: Permission | None) -> Any:  # noqa: N802 - reads as a word of the annotation
    """`None`: whoever has signed in."""
    return Depends(Requirement(permission))


PUBLIC: Final[Any] = Depends(Public())


def find_viewer(request: Request, now: datetime) -> Viewer | None:
    """A page that refreshes itself does not keep a session alive: only a person does."""
    session_id = request.cookies.get(COOKIE)
    if not session_id:
        return None
    by_itself = "part" in request.query_params or request.url.path.endswith("/stream")
    return sessions_of(request.app.state.console).find(session_id, now, seen=not by_itself)


def sessions_of(console: Console) -> Sessions:
    return Sessions(console.store, Users(console.store))
