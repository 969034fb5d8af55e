"""Mails to staff from Kafka to a real mail server, through its bad hours and our own end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.dead_letter import DeadLetter
from schemas.tenant_settings import TenantSettings
from schemas.thread import MailRequest
from schemas.topics import DEAD_LETTERS, MAIL_REQUESTS, SETTINGS
from services.kafka.publisher import Publisher
from services.kafka.topics import MAIL_GROUP
from services.notify import mail_loop
from services.notify.__main__ import read_mail_settings
from services.notify.mail import Server
from services.notify.mail_loop import MailLoop
from services.notify.reply_mail import build_message_id
from services.settings import SettingsError, from_environment
from tests.adapters.mail_server import MailServer
from tests.adapters.processes import launch
from tests.adapters.test_mail_delivery import TENANT, request
from tests.adapters.topics import records
from tests.adapters.waiting import until

pytestmark = pytest.mark.broker
OFFICE = "office@example.com"
NOW = datetime.now(UTC)
LATER = "451 4.7.1 later"


def mail(n: int, **changes: Any) -> MailRequest:
    return request(mail_id=f"m-{n}", at=NOW, **changes)


def ids(*numbers: int) -> set[str]:
    return {build_message_id("harbor", f"m-{n}") for n in numbers}


async def publish(
    bootstrap: str, *mails: MailRequest, tenant: TenantSettings | None = None
) -> None:
    publisher = Publisher(bootstrap, source="test")
    if tenant is not None:
        await publisher.publish(SETTINGS, tenant)
    await publisher.publish_all(MAIL_REQUESTS, mails)
    await publisher.stop()


async def committed(bootstrap: str) -> int:
    """Records up to which all mails are done, over all partitions."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        found = await client.list_consumer_group_offsets(MAIL_GROUP)
    finally:
        await client.close()
    return sum(one.offset for one in found.values() if one.offset > 0)


@asynccontextmanager
async def mailing(
    bootstrap: str, inbox: MailServer, until_assigned: bool = True
) -> AsyncIterator[MailLoop]:
    """The loop, as its process runs it; pauses are short."""
    loop = MailLoop(bootstrap, Server("smtp", "127.0.0.1", inbox.port), OFFICE, first_pause=0.05)
    stop, assigned = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(loop.run(stop, assigned.set))
    try:
        if until_assigned:
            await until(lambda: assigned.is_set() or running.done())
        yield loop
    finally:
        stop.set()
        await running


def counted(loop: MailLoop, result: str) -> float:
    line = f'sayso_mails_total{{result="{result}"}} '
    found = [one for one in loop.metrics.text().decode().splitlines() if one.startswith(line)]
    return float(found[0].removeprefix(line)) if found else 0.0


@pytest.fixture
async def port_of_nobody() -> int:
    inbox = MailServer()
    async with inbox.listening():
        return inbox.port


async def test_nothing_is_lost_while_the_server_is_down(
    fresh_cluster: str, port_of_nobody: int
) -> None:
    inbox = MailServer()
    inbox.port = port_of_nobody
    await publish(fresh_cluster, *map(mail, range(5)), tenant=TENANT)
    async with mailing(fresh_cluster, inbox) as loop:
        await until(lambda: counted(loop, "retried") >= 3)
        assert b"sayso_mail_server_up 0.0" in loop.metrics.text()
        assert await committed(fresh_cluster) == 0
        async with inbox.listening():
            await until(lambda: len(inbox.mails) == 5)
    assert set(inbox.ids) == ids(*range(5))
    assert await committed(fresh_cluster) == 5
    assert "10:10 EST" in inbox.mails[0].get_content(), "by the tenant's clocks"
    assert "https://sayso.example/t/" in inbox.mails[0].get_content()
    assert await records(fresh_cluster, DEAD_LETTERS) == []


async def test_each_mail_goes_its_own_way_and_holds_up_no_other(fresh_cluster: str) -> None:
    """Four that nobody can read, one to a full mailbox, one that was put off for six days, one to
    nobody, one to no address, and two plain ones."""
    inbox = MailServer()
    inbox.replies = {"full@harbor.example": ["452 4.2.2 full"] * 3, "old@harbor.example": [LATER]}
    producer = AIOKafkaProducer(bootstrap_servers=fresh_cluster)
    await producer.start()
    for value in (b"{", b"\xff", None, b'{"tenant": "harbor"}'):
        await producer.send_and_wait(MAIL_REQUESTS.name, value, b"harbor")
    await producer.stop()
    old = mail(2, to="old@harbor.example").model_copy(update={"at": NOW - timedelta(days=6)})
    others = mail(3, to="nobody@harbor.example"), mail(4, to="no address"), mail(5)
    await publish(fresh_cluster, mail(0), mail(1, to="full@harbor.example"), old, *others)
    async with inbox.listening(), mailing(fresh_cluster, inbox) as loop:
        await until(lambda: counted(loop, "sent") == 3 and counted(loop, "refused") == 3)
        assert (counted(loop, "retried"), counted(loop, "unreadable")) == (4, 4)
        assert b"sayso_mail_server_up 1.0" in loop.metrics.text()
    assert set(inbox.ids) == ids(0, 1, 5)
    assert await committed(fresh_cluster) == 10
    letters = [
        DeadLetter.model_validate_json(one.value)
        for one in await records(fresh_cluster, DEAD_LETTERS)
    ]
    causes = Counter((one.room, one.topic, one.cause) for one in letters)
    assert causes == {
        ("notify", MAIL_REQUESTS.name, "mail_refused"): 3,
        ("notify", MAIL_REQUESTS.name, "invalid"): 3,
        ("notify", MAIL_REQUESTS.name, "tombstone"): 1,
    }
    kept = [one for one in letters if one.cause == "mail_refused"]
    assert {MAIL_REQUESTS.decode(one.value_bytes or b"").mail_id for one in kept} == {
        "m-2",
        "m-3",
        "m-4",
    }
    assert not any("@" in one.reason for one in letters)


async def test_more_than_one_window_goes_and_each_once(
    fresh_cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_loop, "OPEN_AT_MOST", 8)
    inbox = MailServer()
    await publish(fresh_cluster, *map(mail, range(19)))
    async with inbox.listening(), mailing(fresh_cluster, inbox):
        await until(lambda: len(inbox.mails) == 19)
    assert set(inbox.ids) == ids(*range(19))
    assert await committed(fresh_cluster) == 19


async def test_two_of_us_share_the_partitions_and_each_mail_goes_once(fresh_cluster: str) -> None:
    inbox = MailServer()
    tenants = [f"firm-{n}" for n in range(8)]
    async with inbox.listening(), mailing(fresh_cluster, inbox):
        await publish(fresh_cluster, *(mail(1, tenant=one) for one in tenants))
        async with mailing(fresh_cluster, inbox):
            await publish(fresh_cluster, *(mail(2, tenant=one) for one in tenants))
            await until(lambda: len(set(inbox.ids)) == 16)
        await publish(fresh_cluster, *(mail(3, tenant=one) for one in tenants))
        await until(lambda: len(set(inbox.ids)) == 24)
    assert len(inbox.ids) == 24


async def test_killed_between_accept_and_commit_it_repeats_the_same_message_id(
    fresh_cluster: str, tmp_path: Path
) -> None:
    inbox = MailServer()
    await publish(fresh_cluster, mail(1))
    async with inbox.listening():
        settings = {
            "SAYSO_BOOTSTRAP": fresh_cluster,
            "SAYSO_SMTP_URL": f"smtp://127.0.0.1:{inbox.port}",
            "SAYSO_MAIL_FROM": OFFICE,
        }
        same = ("--instance", "notify-1")
        first = await launch("services.notify", *same, **settings)
        inbox.on_taken = _kill(first.pid)
        await first.communicate()
        assert first.returncode == -signal.SIGKILL
        inbox.on_taken = lambda: None
        assert (len(inbox.mails), await committed(fresh_cluster)) == (1, 0)
        ready = tmp_path / "ready"
        second = await launch("services.notify", *same, "--ready-file", str(ready), **settings)
        await until(lambda: len(inbox.mails) == 2)
        assert ready.exists()
        second.terminate()
        await second.communicate()
        assert second.returncode == 0
    assert set(inbox.ids) == ids(1)
    assert await committed(fresh_cluster) == 1


def _kill(pid: int) -> Callable[[], None]:
    return lambda: os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({}, "SAYSO_SMTP_URL"),
        ({"SAYSO_SMTP_URL": "smtp://127.0.0.1"}, "SAYSO_MAIL_FROM"),
        ({"SAYSO_SMTP_URL": "http://h", "SAYSO_MAIL_FROM": OFFICE}, "SAYSO_SMTP_URL"),
    ],
)
def test_wrong_settings_are_named(given: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read_mail_settings(from_environment(given))
