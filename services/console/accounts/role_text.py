"""Roles as people write them: ROLE, ROLE@TENANT or ROLE@TENANT/BRANCH."""

from __future__ import annotations

from schemas.base import IDENTITY
from services.console.accounts.users import UsersError
from services.console.viewer import ANY, Grant, Role


def parse_grant(written: str) -> Grant:
    """Raises UsersError."""
    word, _, place = written.strip().partition("@")
    tenant, _, branch = place.partition("/")
    if word not in set(Role):
        raise UsersError(f"There is no role {word!r}: it is one of {', '.join(Role)}")
    if tenant and tenant != ANY and IDENTITY.fullmatch(tenant) is None:
        raise UsersError(f"{tenant!r} is no name of a tenant")
    return Grant(tenant or ANY, branch or ANY, Role(word))
