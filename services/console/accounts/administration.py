"""What may be done to users, by the command line and by admins on their page. Each change is
recorded with who made it.

An admin rules the roles of their tenants and branches. They may disable somebody, or sign them in
by a link, only where they rule all that this user may do: a link would otherwise hand them roles
at another tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.console.accounts.audit import AuditAction, AuditLog
from services.console.accounts.sessions import Sessions
from services.console.accounts.store import Store
from services.console.accounts.users import User, Users, UsersError
from services.console.viewer import ANY, Grant, Permission, Viewer


class UserAdmin:
    """`viewer` None: the command line, which may do everything."""

    def __init__(self, store: Store, by: str, viewer: Viewer | None = None) -> None:
        self._store = store
        self._by = by
        self._viewer = viewer
        self.users = Users(store)
        self.sessions = Sessions(store, self.users)
        self.audit = AuditLog(store)

    def rules(self, grant: Grant) -> bool:
        """Whether this role may be given and taken."""
        if self._viewer is None:
            return True
        if grant.tenant == ANY:
            return self._viewer.branches(Permission.MANAGE, ANY) is None
        branches = self._viewer.branches(Permission.MANAGE, grant.tenant)
        return branches is None or grant.branch in branches

    def rules_all_of(self, user: User) -> bool:
        return all(map(self.rules, user.grants))

    def list_users(self, tenant: str) -> list[User]:
        """Who has a role at the tenant."""
        return [user for user in self.users.all() if any(one.is_for(tenant) for one in user.grants)]

    def add(
        self,
        name: str,
        display_name: str,
        grants: Iterable[Grant],
        now: datetime,
        *,
        password: str | None = None,
        subject: str | None = None,
    ) -> User:
        """Raises UsersError."""
        given = tuple(grants)
        self._require_rule(given)
        with self._store.transaction():
            user = self.users.add(
                name, display_name, given, now, password=password, subject=subject
            )
            self.audit.record(now, self._by, AuditAction.ADDED, name)
            self.audit.record_roles(now, self._by, name, (), given)
        return user

    def set_roles(self, name: str, grants: Iterable[Grant], now: datetime) -> User:
        """Replaces those by hand that this admin rules; the others stay, and so do those of their
        groups. Raises UsersError."""
        wanted = tuple(grants)
        self._require_rule(wanted)
        with self._store.transaction():
            user = self._find(name)
            kept = [one for one in user.by_hand if not self.rules(one)]
            after = tuple(dict.fromkeys([*kept, *wanted]))
            if self._viewer is not None and name == self._viewer.name:
                self._require_still_admin((*after, *user.by_group))
            changed = self.users.set_grants(name, after)
            self.audit.record_roles(now, self._by, name, user.by_hand, after)
        return changed

    def set_group_roles(self, name: str, grants: Iterable[Grant], now: datetime) -> User:
        """Replaces those of their groups; those by hand stay. Raises UsersError."""
        with self._store.transaction():
            user = self._find(name)
            changed = self.users.set_group_grants(name, grants)
            self.audit.record_roles(now, self._by, name, user.by_group, changed.by_group)
        return changed

    def set_tenant_roles(
        self, name: str, tenant: str, grants: Iterable[Grant], now: datetime
    ) -> User:
        """Replaces those at this tenant alone. Raises UsersError."""
        with self._store.transaction():
            user = self._find(name)
            others = [one for one in user.by_hand if one.tenant != tenant and self.rules(one)]
            return self.set_roles(name, [*others, *grants], now)

    def set_password(self, name: str, password: str, now: datetime) -> None:
        """Raises UsersError."""
        self._require_rule_of(name)
        self.users.set_password(name, password)
        self.audit.record(now, self._by, AuditAction.PASSWORD, name)

    def disable(self, name: str, now: datetime) -> None:
        """Raises UsersError."""
        self._require_rule_of(name)
        if self._viewer is not None and name == self._viewer.name:
            raise UsersError("You cannot disable yourself: another admin can")
        self.users.disable(name, now)
        self.audit.record(now, self._by, AuditAction.DISABLED, name)

    def enable(self, name: str, now: datetime) -> None:
        """Raises UsersError."""
        self._require_rule_of(name)
        self.users.enable(name)
        self.audit.record(now, self._by, AuditAction.ENABLED, name)

    def make_link(self, name: str, now: datetime) -> str:
        """The token of a one-time link. Raises UsersError."""
        user = self._require_rule_of(name)
        if user.disabled:
            raise UsersError(f"{name!r} may not sign in: enable them first")
        self.audit.record(now, self._by, AuditAction.LINK, name)
        return self.sessions.make_link(name, now)

    def _find(self, name: str) -> User:
        user = self.users.find(name)
        if user is None:
            raise UsersError(f"There is no user {name!r}: see `sayso users list`")
        return user

    def _require_rule(self, grants: Iterable[Grant]) -> None:
        if not all(map(self.rules, grants)):
            raise UsersError("You can give roles of your own tenant and branches only")

    def _require_rule_of(self, name: str) -> User:
        user = self._find(name)
        if not self.rules_all_of(user):
            raise UsersError(f"{name!r} has roles elsewhere: an admin of all of them can do this")
        return user

    def _require_still_admin(self, grants: tuple[Grant, ...]) -> None:
        assert self._viewer is not None
        before = {one for one in self._viewer.grants if self._is_admin(one)}
        if not before <= set(grants):
            raise UsersError("You cannot take your own role as an admin: another admin can")

    @staticmethod
    def _is_admin(grant: Grant) -> bool:
        return Viewer("", "", (grant,)).may_anywhere(Permission.MANAGE)
