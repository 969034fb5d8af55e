"""Who looks at the console, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

ANY: Final = "*"
"""Of a grant: every tenant, or every branch."""


class Permission(StrEnum):
    READ = "read"
    """See messages, people, cases and conversations, with numbers and words."""
    WRITE = "write"
    """Send, answer, resend, change cases and people."""
    APPROVE = "approve"
    USAGE = "usage"
    """See counts and costs, without numbers and words."""
    AUDIT = "audit"
    """See who did what, and download proofs of consent."""
    MANAGE = "manage"
    """Change settings, users, keys, endpoints."""
    OPERATE = "operate"
    """See lag, senders, doubtful calls and dead letters, and act on them."""


class Role(StrEnum):
    STAFF = "staff"
    APPROVER = "approver"
    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ANALYST = "analyst"


P = Permission
ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.STAFF: frozenset({P.READ, P.WRITE, P.USAGE}),
    Role.APPROVER: frozenset({P.READ, P.WRITE, P.APPROVE, P.USAGE}),
    Role.ADMIN: frozenset({P.READ, P.WRITE, P.APPROVE, P.USAGE, P.AUDIT, P.MANAGE, P.OPERATE}),
    Role.OPERATOR: frozenset({P.OPERATE, P.USAGE}),
    Role.AUDITOR: frozenset({P.READ, P.USAGE, P.AUDIT}),
    Role.ANALYST: frozenset({P.USAGE}),
}


class Grant(NamedTuple):
    """One role at one branch of one tenant; either may be ANY."""

    tenant: str
    branch: str
    role: Role

    def is_for(self, tenant: str) -> bool:
        return self.tenant in (tenant, ANY)


class Viewer(NamedTuple):
    """A person who has signed in. `name` stands in every record of what they do."""

    name: str
    display_name: str
    grants: tuple[Grant, ...]
    session_id: str = ""
    """The hash of the session, for "sign out the others"."""

    def may(self, permission: Permission, tenant: str, branch: str | None = None) -> bool:
        """At some branch of the tenant; with `branch`, at that one."""
        branches = self.branches(permission, tenant)
        return branches is None or bool(branches if branch is None else branch in branches)

    def branches(self, permission: Permission, tenant: str) -> frozenset[str] | None:
        """Those at which the permission holds. None: at all, and for what has no branch."""
        held = [
            grant.branch
            for grant in self.grants
            if grant.is_for(tenant) and permission in ROLES[grant.role]
        ]
        return None if ANY in held else frozenset(held)

    def may_everywhere(self, permission: Permission) -> bool:
        """At every tenant: what tenants share, or what belongs to none, is for them."""
        return any(
            (grant.tenant, grant.branch) == (ANY, ANY) and permission in ROLES[grant.role]
            for grant in self.grants
        )

    def may_anywhere(self, permission: Permission) -> bool:
        return any(permission in ROLES[grant.role] for grant in self.grants)

    def tenants(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Of all known tenants those that they have any role at."""
        return tuple(one for one in known if any(grant.is_for(one) for grant in self.grants))
