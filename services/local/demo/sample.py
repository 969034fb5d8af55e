"""The sample tenant and sender, as `sayso up` sets them up where there is none."""

from __future__ import annotations

from pathlib import Path

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import SENDERS, SETTINGS
from services.kafka.publisher import Publisher
from services.operations.yaml_settings import read_settings

SAMPLE = Path(__file__).with_name("sample.yaml")


async def publish_sample(bootstrap: str) -> None:
    publisher = Publisher(bootstrap, source="cli")
    try:
        await publisher.publish_all(SENDERS, read_settings(SAMPLE, "senders", Sender))
        await publisher.publish_all(SETTINGS, read_settings(SAMPLE, "tenants", TenantSettings))
    finally:
        await publisher.stop()
