"""What supervisors see of processes while Kafka is away: nobody is to restart them for that."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from services.kafka.broker_wait import wait_for_broker
from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from services.ports import LOOPBACK, choose_port
from services.settings import from_environment
from tests.adapters.processes import launch
from tests.adapters.waiting import until


def nobody_there() -> str:
    return f"{LOOPBACK}:{choose_port()}"


async def test_without_patience_nobody_waits() -> None:
    settings = from_environment({"SAYSO_BOOTSTRAP": nobody_there()})
    assert await asyncio.wait_for(wait_for_broker(settings, asyncio.Event()), 1)


async def test_patience_ends_and_what_comes_next_says_why() -> None:
    settings = from_environment({"SAYSO_BOOTSTRAP": nobody_there(), "SAYSO_KAFKA_WAIT": "0.3"})
    began = time.monotonic()
    assert await wait_for_broker(settings, asyncio.Event())
    assert time.monotonic() - began >= 0.3


async def test_who_waits_for_kafka_can_be_stopped(tmp_path: Path) -> None:
    commands = (
        ("services.workers", "gate"),
        ("services.notify",),
        ("services.event_webhooks",),
        ("services.ledger",),
    )
    await asyncio.gather(*[_stop_while_it_waits(tmp_path, *command) for command in commands])


async def _stop_while_it_waits(state: Path, *command: str) -> None:
    process = await launch(
        *command,
        SAYSO_BOOTSTRAP=nobody_there(),
        SAYSO_KAFKA_WAIT="120",
        SAYSO_STATE=str(state),
        SAYSO_SMTP_URL="smtp://127.0.0.1:9",
        SAYSO_MAIL_FROM="office@example.com",
    )
    try:
        assert process.stderr is not None
        assert b"waiting for Kafka" in await asyncio.wait_for(process.stderr.readline(), 60)
        process.send_signal(signal.SIGTERM)
        assert (await process.communicate())[1] == b""
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.broker
async def test_no_probe_blames_a_worker_for_its_broker(
    hurtable_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Kafka is away when the worker starts, comes, and goes again."""
    bootstrap = hurtable_broker.bootstrap
    await apply(bootstrap, partitions=1, replication=1)
    hurtable_broker.stop()
    worker = await launch(
        "services.workers",
        "usage",
        SAYSO_BOOTSTRAP=bootstrap,
        SAYSO_KAFKA_WAIT="120",
        SAYSO_METRICS_PORT="0",
        SAYSO_METRICS_PORT_FILE=str(tmp_path / "port"),
        SAYSO_STATE=str(tmp_path),
    )
    try:
        assert worker.stderr is not None
        assert b"waiting for Kafka" in await asyncio.wait_for(worker.stderr.readline(), 30)
        hurtable_broker.start()
        await until((tmp_path / "port").exists)
        async with aiohttp.ClientSession(
            f"http://{LOOPBACK}:{(tmp_path / 'port').read_text()}"
        ) as web:

            async def status(path: str) -> int:
                async with web.get(path) as answer:
                    return answer.status

            async with asyncio.timeout(60):
                while await status("/started") != 200:
                    assert await status("/live") == 200
                    await asyncio.sleep(0.1)
            assert await status("/ready") == 200
            hurtable_broker.stop()
            for _ in range(10):
                assert [await status("/started"), await status("/live")] == [200, 200]
                await asyncio.sleep(0.2)
        assert worker.returncode is None
    finally:
        worker.kill()
        await worker.communicate()
