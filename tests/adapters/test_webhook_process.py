"""The webhook as a process, through a broker's bad hours and its own end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from schemas.topics import DELIVERY_RECEIPTS, INBOUND
from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from services.local.simulator.callbacks import sign as signed
from tests.adapters.processes import CREDENTIALS, Service, service
from tests.adapters.topics import records

PUBLIC = "https://sms.example.com"
RECEIPT = {"MessageSid": "SM1", "MessageStatus": "delivered"}


async def told(http: aiohttp.ClientSession, url: str, number: int) -> int:
    target = f"/twilio/status?tenant=acme&message_id=m-{number}&attempt=1"
    signature = signed(CREDENTIALS["TWILIO_AUTH_TOKEN"], PUBLIC + target, RECEIPT)
    async with http.post(
        url + target, data=RECEIPT, headers={"X-Twilio-Signature": signature}
    ) as answer:
        return answer.status


@asynccontextmanager
async def webhook(
    state: Path, broker: EmbeddedBroker
) -> AsyncIterator[tuple[Service, aiohttp.ClientSession]]:
    """It has taken a receipt."""
    where = broker.bootstrap
    await apply(where, partitions=2, replication=1, topics=[DELIVERY_RECEIPTS, INBOUND])
    settings = {
        **CREDENTIALS,
        "SAYSO_BOOTSTRAP": where,
        "SAYSO_WEBHOOK_PORT": "0",
        "SAYSO_PUBLIC_URL": PUBLIC,
    }
    async with (
        service("services.webhook", state, **settings) as hook,
        aiohttp.ClientSession() as http,
    ):
        assert await told(http, hook.url, 0) == 204
        yield hook, http


@pytest.mark.broker
async def test_it_stops_while_the_broker_hangs(
    tmp_path: Path, hurtable_broker: EmbeddedBroker
) -> None:
    """503 for all while the broker stands, 204 again after it, and 204 for those who wait while
    the process ends."""
    async with webhook(tmp_path, hurtable_broker) as (hook, http):
        os.kill(hurtable_broker.pid, signal.SIGSTOP)
        try:
            assert set(await asyncio.gather(*(told(http, hook.url, n) for n in range(1, 30)))) == {
                503
            }
        finally:
            os.kill(hurtable_broker.pid, signal.SIGCONT)
        assert set(await asyncio.gather(*(told(http, hook.url, n) for n in range(1, 60)))) == {204}
        os.kill(hurtable_broker.pid, signal.SIGSTOP)
        try:
            waiting = asyncio.gather(*(told(http, hook.url, n) for n in range(60, 90)))
            await asyncio.sleep(0.5)
            hook.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
        finally:
            os.kill(hurtable_broker.pid, signal.SIGCONT)
        assert set(await waiting) == {204}
        assert await asyncio.wait_for(hook.process.wait(), 20) == 0
    keys = {one.key for one in await records(hurtable_broker.bootstrap, DELIVERY_RECEIPTS)}
    assert keys == {f"acme/m-{number}".encode() for number in range(90)}


@pytest.mark.broker
async def test_it_stops_while_no_broker_answers(
    tmp_path: Path, hurtable_broker: EmbeddedBroker
) -> None:
    async with webhook(tmp_path, hurtable_broker) as (hook, http):
        os.kill(hurtable_broker.pid, signal.SIGSTOP)
        try:
            waiting = asyncio.gather(*(told(http, hook.url, n) for n in range(1, 30)))
            await asyncio.sleep(0.5)
            hook.process.send_signal(signal.SIGTERM)
            assert set(await waiting) == {503}
            assert await asyncio.wait_for(hook.process.wait(), 30) == 0
        finally:
            os.kill(hurtable_broker.pid, signal.SIGCONT)
