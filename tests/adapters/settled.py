"""Tenants with their settings on a broker, for commands that ask whether there is such a one."""

from __future__ import annotations

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.kafka.publisher import Publisher


async def settled(bootstrap: str, *tenants: str) -> None:
    publisher = Publisher(bootstrap, source="test")
    await publisher.publish_all(
        SETTINGS, [TenantSettings(tenant=name, name=name, sender="72976") for name in tenants]
    )
    await publisher.stop()
