"""Where one can go: the pages of a tenant, as far as the viewer may see them."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.console.access import Visit
from services.console.viewer import Permission


class Item(NamedTuple):
    title: str
    path: str
    """Below the tenant's."""
    permission: Permission
    icon: str


ITEMS: Final = (
    Item("SMS manager", "messages", Permission.READ, "message"),
    Item("Inbox", "inbox", Permission.READ, "inbox"),
    Item("Today", "today", Permission.READ, "calendar"),
    Item("Cases", "cases", Permission.READ, "folder"),
    Item("People", "people", Permission.READ, "people"),
    Item("Usage", "usage", Permission.USAGE, "chart"),
    Item("Operations", "operations", Permission.OPERATE, "gauge"),
    Item("Settings", "settings", Permission.MANAGE, "gear"),
    Item("Who did what", "settings/audit", Permission.AUDIT, "people"),
)


class Navigation(NamedTuple):
    items: tuple[Item, ...]
    tenants: tuple[str, ...]
    """All that the viewer may go to."""


def navigation(visit: Visit) -> Navigation:
    tenants = visit.viewer.tenants(visit.console.tenants())
    allowed = tuple(
        item
        for item in ITEMS
        if visit.tenant
        and visit.may(item.permission)
        # Admins find it among the settings.
        and not (item.path == "settings/audit" and visit.may(Permission.MANAGE))
    )
    return Navigation(allowed, tenants)
