"""A worker reads all settings at the start, and each change at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import SENDERS, SETTINGS
from services.kafka.publisher import Publisher
from services.kafka.settings_reader import LONG_POLL, SettingsReader
from tests.adapters.waiting import until

pytestmark = pytest.mark.broker

TENANT = TenantSettings(tenant="harbor", name="Harbor", sender="72976")
SENDER = Sender(sender="72976", kind=SenderKind.SHORT_CODE, pace=3, owner="harbor")


def fatal(error: BaseException) -> None:
    raise error


@pytest.fixture
async def publisher(fresh_cluster: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(fresh_cluster, source="test", timeout=30)
    yield publisher
    await publisher.stop()


async def test_nothing_waits_for_a_long_poll(fresh_cluster: str, publisher: Publisher) -> None:
    """Neither the start on empty topics nor a change on either topic."""
    broadcast, began = SettingsReader(fresh_cluster, fatal), time.monotonic()
    await broadcast.start()
    assert time.monotonic() - began < LONG_POLL / 1000 / 2
    try:
        await asyncio.sleep(0.2)  # the long poll is under way
        for round_ in range(4):
            began = time.monotonic()
            await publisher.publish(
                SETTINGS, TENANT.model_copy(update={"name": f"Harbor {round_}"})
            )
            await until(lambda n=round_: name_of(broadcast) == f"Harbor {n}")  # type: ignore[misc]
            await publisher.publish(SENDERS, SENDER.model_copy(update={"pace": round_ + 10}))
            await until(lambda n=round_: pace_of(broadcast) == n + 10)  # type: ignore[misc]
            assert time.monotonic() - began < LONG_POLL / 1000 / 2
    finally:
        await broadcast.stop()


async def test_the_start_reads_everything(fresh_cluster: str, publisher: Publisher) -> None:
    await publisher.publish_all(
        SETTINGS, [TENANT.model_copy(update={"tenant": f"t-{n}"}) for n in range(700)]
    )
    await publisher.publish(SENDERS, SENDER)
    broadcast = SettingsReader(fresh_cluster, fatal)
    await broadcast.start()
    try:
        assert len(broadcast.current.tenants) == 700
        assert list(broadcast.current.senders) == ["72976"]
    finally:
        await broadcast.stop()


def name_of(broadcast: SettingsReader) -> str | None:
    tenant = broadcast.current.tenants.get("harbor")
    return tenant.name if tenant else None


def pace_of(broadcast: SettingsReader) -> float | None:
    sender = broadcast.current.senders.get("72976")
    return sender.pace if sender else None
