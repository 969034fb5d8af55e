"""The process on a real broker: nothing is skipped, nothing has two ids, whatever ends it."""

from __future__ import annotations

import asyncio
import signal
import stat
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer

from schemas.base import Message
from schemas.topics import CONSENT_LOG, OUTCOMES, REPLIES, Topic
from services.event_webhooks.addresses import SystemResolver
from services.event_webhooks.store import FILE, Store
from services.kafka.admin import admin_client
from services.kafka.publisher import Publisher
from services.kafka.topics import apply
from services.operations.event_webhooks import EndpointManager, open_endpoints
from tests.adapters.mail_server import MailServer
from tests.adapters.processes import launch
from tests.adapters.waiting import until
from tests.adapters.webhook_facts import change, outcome, reply
from tests.adapters.webhook_receiver import Receiver, Taken, receiving, take

pytestmark = pytest.mark.broker
MODULE = "services.event_webhooks"
ALL = ["message.*", "consent.*", "reply.*"]


class Site:
    """A state folder, a broker, and the process that can be started again."""

    def __init__(self, bootstrap: str, state: Path, manager: EndpointManager) -> None:
        self.bootstrap, self.state, self.manager = bootstrap, state, manager
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, **extra: str) -> None:
        ready = self.state / "ready"
        ready.unlink(missing_ok=True)
        self.process = await launch(
            MODULE,
            "--ready-file",
            str(ready),
            SAYSO_BOOTSTRAP=self.bootstrap,
            SAYSO_STATE=str(self.state),
            SAYSO_WEBHOOKS_ALLOW_PRIVATE="1",
            **extra,
        )
        process = self.process
        await until(lambda: ready.exists() or process.returncode is not None)
        assert process.returncode is None, await process.communicate()

    async def end(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code, and what it logged."""
        assert self.process is not None
        self.process.send_signal(how)
        out, log = await self.process.communicate()
        code = self.process.returncode
        self.process = None
        assert code is not None
        return code, (out + log).decode()

    async def publish(self, topic: Topic[Any], *messages: Message) -> None:
        publisher = Publisher(self.bootstrap, source="test")
        try:
            await publisher.publish_all(topic, list(messages))
        finally:
            await publisher.stop()

    async def add(self, receiver: Receiver, tenant: str = "acme", **fields: Any) -> str:
        made = await self.manager.add(
            tenant,
            "dana",
            **{"url": receiver.url, "owner": "it@acme.example", "events": ALL, **fields},
        )
        receiver.secrets.append(made.secret.get_secret_value())
        return made.endpoint.id


@asynccontextmanager
async def site(bootstrap: str, state: Path) -> AsyncIterator[Site]:
    resolver = SystemResolver()
    with open_endpoints(state, resolver, allow_private=True) as manager:
        there = Site(bootstrap, state, manager)
        try:
            yield there
        finally:
            if there.process is not None:
                await there.end(signal.SIGKILL)
            resolver.close()


def messages_of(calls: Sequence[Taken]) -> Counter[str]:
    return Counter(call.payload["data"]["message_id"] for call in calls)


async def test_each_tenants_endpoint_gets_its_own_events(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as ours, receiving() as theirs:
        await there.add(ours, numbers=True)
        await there.add(theirs, "bolt", events=["reply.*"])
        await there.start()
        await there.publish(OUTCOMES, outcome("m-1"), outcome("m-2", tenant="bolt"))
        await there.publish(CONSENT_LOG, change())
        await there.publish(REPLIES, reply("SM1"), reply("SM2", tenant="bolt"))
        await until(lambda: len(ours.calls) == 3 and len(theirs.calls) == 1)
        assert sorted(call.type for call in ours.calls) == [
            "consent.opted_in",
            "message.delivered",
            "reply.received",
        ]
        assert [call.payload["data"]["reply_id"] for call in theirs.calls] == ["SM2"]
        assert ours.forged == theirs.forged == []
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
        code, log = await there.end()
        assert code == 0
        for hidden in ("+1212555", "whsec_", *ours.secrets):
            assert hidden not in log


async def test_records_of_an_aborted_transaction_are_no_events(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)
        await there.start()
        producer = AIOKafkaProducer(bootstrap_servers=fresh_cluster, transactional_id="trial")
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(OUTCOMES.name, OUTCOMES.encode(outcome("never")), b"acme")
        await producer.abort_transaction()
        await producer.stop()
        await there.publish(OUTCOMES, outcome("m-1"))
        await until(lambda: receiver.calls)
        assert messages_of(receiver.calls) == {"m-1": 1}


async def test_killed_in_mid_delivery_nothing_is_lost_and_ids_stay(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """Five kills, at arbitrary moments, while events come and calls are under way."""
    expected = {f"m-{n}" for n in range(60)}
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)

        async def dawdle(event: Taken) -> web.Response:
            await asyncio.sleep(0.02)
            return take(event)

        receiver.behave = dawdle
        await there.start()
        for batch in range(6):
            seen = len(receiver.calls)
            await there.publish(
                OUTCOMES, *(outcome(f"m-{n}") for n in range(batch * 10, batch * 10 + 10))
            )
            if batch < 5:
                await until(lambda seen=seen: len(receiver.calls) > seen)
                await there.end(signal.SIGKILL)
                await there.start()
        await until(lambda: set(messages_of(receiver.calls)) == expected)
        endpoint = there.manager.list()[0].id
        await until(lambda: there.manager.count(endpoint)["delivered"] == 60)
        ids = {(call.id, call.payload["data"]["message_id"]) for call in receiver.calls}
        assert len(ids) == len({one for one, _ in ids}) == len(expected)
        assert there.manager.count(endpoint) == {"pending": 0, "delivered": 60, "failed": 0}


async def test_what_happened_while_it_was_down_is_delivered(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """Also what came before its first start, if the endpoint was there already."""
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)
        await there.publish(OUTCOMES, outcome("m-1"))
        await there.start()
        await until(lambda: set(messages_of(receiver.calls)) == {"m-1"})
        assert (await there.end())[0] == 0
        await there.publish(OUTCOMES, outcome("m-2"))
        await there.start()
        await until(lambda: set(messages_of(receiver.calls)) == {"m-1", "m-2"})
        assert messages_of(receiver.calls) == {"m-1": 1, "m-2": 1}


async def test_a_new_endpoint_gets_nothing_of_the_past(fresh_cluster: str, tmp_path: Path) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.publish(OUTCOMES, outcome("old"))
        await there.start()
        await there.add(receiver)
        await there.publish(OUTCOMES, outcome("new"))
        await until(lambda: receiver.calls)
        assert messages_of(receiver.calls) == {"new": 1}


async def test_commands_take_effect_while_it_runs(fresh_cluster: str, tmp_path: Path) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        endpoint = await there.add(receiver)
        await there.start()
        trial = there.manager.send_test(endpoint, "dana")
        found = await there.manager.wait_for_attempt(trial.id, 30)
        assert (found.state, found.status) == ("delivered", 204)
        there.manager.pause(endpoint, "dana")
        await there.publish(OUTCOMES, outcome("m-1"))
        await until(lambda: there.manager.count(endpoint)["pending"] == 1)
        assert messages_of(receiver.calls[1:]) == {}
        there.manager.resume(endpoint, "dana")
        await until(lambda: there.manager.count(endpoint)["delivered"] == 2)
        delivery = there.manager.page(endpoint)[0]
        there.manager.replay(delivery.id, "dana")
        await until(lambda: receiver.ids.count(delivery.event_id) == 2)
        actions = [one.action for one in there.manager.list_changes(endpoint)]
        assert actions == ["replayed", "resumed", "paused", "tested", "added"]
        assert {one.by for one in there.manager.list_changes(endpoint)} == {"dana"}


async def test_what_cannot_be_read_is_passed_over_and_counted(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)
        port_file = tmp_path / "metrics"
        await there.start(SAYSO_METRICS_PORT="0", SAYSO_METRICS_PORT_FILE=str(port_file))
        producer = AIOKafkaProducer(bootstrap_servers=fresh_cluster)
        await producer.start()
        for value in (b"{", b"", b"null", None, b'{"tenant": "acme"}', b"\xff"):
            await producer.send_and_wait(OUTCOMES.name, value, b"acme")
        await producer.stop()
        await there.publish(OUTCOMES, outcome("m-1"))
        await until(lambda: receiver.calls)
        url = f"http://127.0.0.1:{port_file.read_text()}"
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{url}/metrics") as answer:
                assert "sayso_event_webhook_unreadable_total 5.0" in await answer.text()
            async with http.get(f"{url}/ready") as answer:
                assert answer.status == 200


async def test_410_disables_an_endpoint_and_its_owner_is_mailed(
    fresh_cluster: str, tmp_path: Path
) -> None:
    mails = MailServer()
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver, mails.listening():
        endpoint = await there.add(receiver)
        receiver.behave = lambda _event: web.Response(status=410)
        await there.start(
            SAYSO_SMTP_URL=f"smtp://127.0.0.1:{mails.port}", SAYSO_MAIL_FROM="sayso@x.example"
        )
        await there.publish(OUTCOMES, outcome("m-1"))
        await until(lambda: mails.mails)
        assert mails.mails[0]["To"] == "it@acme.example"
        assert there.manager.get(endpoint).state == "gone"
        await there.publish(OUTCOMES, outcome("m-2"))
        receiver.behave = take
        there.manager.resume(endpoint, "dana")
        await until(lambda: there.manager.count(endpoint)["delivered"])
        assert messages_of(receiver.calls)["m-1"] == 2


async def test_a_second_process_is_refused(fresh_cluster: str, tmp_path: Path) -> None:
    async with site(fresh_cluster, tmp_path) as there:
        await there.start()
        second = await launch(MODULE, SAYSO_BOOTSTRAP=fresh_cluster, SAYSO_STATE=str(tmp_path))
        _, said = await second.communicate()
        assert second.returncode == 2
        assert b"already delivered" in said


async def test_a_topic_that_was_made_again_is_read_from_its_beginning(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)
        await there.start()
        await there.publish(OUTCOMES, *(outcome(f"m-{n}") for n in range(5)))
        await until(lambda: len(receiver.calls) == 5)
        await there.end()
        async with admin_client(fresh_cluster) as client:
            await client.delete_topics([OUTCOMES.name])
            await until_gone(client)
        await apply(fresh_cluster, partitions=4, replication=1)
        await there.publish(OUTCOMES, *(outcome(f"m-{n}") for n in range(3, 8)))
        await there.start()
        await until(lambda: len(messages_of(receiver.calls)) == 8)
        # m-3 and m-4 are the same records as before, and are not delivered again
        assert set(messages_of(receiver.calls).values()) == {1}


async def until_gone(client: Any) -> None:
    async with asyncio.timeout(30):
        while OUTCOMES.name in await client.list_topics():  # noqa: ASYNC110 - the brokers change it
            await asyncio.sleep(0.05)


async def test_records_that_are_gone_unread_are_no_small_matter(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """It says what is lost, and goes on only when somebody has seen it."""
    from aiokafka import TopicPartition
    from aiokafka.admin import RecordsToDelete

    async with site(fresh_cluster, tmp_path) as there, receiving() as receiver:
        await there.add(receiver)
        await there.start()
        await there.end()
        await there.publish(OUTCOMES, outcome("lost"))
        store = Store(tmp_path)
        [part] = [
            row["part"]
            for row in store.rows("SELECT part FROM positions WHERE topic = ?", OUTCOMES.name)
            if await has_records(fresh_cluster, row["part"])
        ]
        store.close()
        async with admin_client(fresh_cluster) as client:
            one = TopicPartition(OUTCOMES.name, part)
            await client.delete_records({one: RecordsToDelete(before_offset=1)})
        await there.publish(OUTCOMES, outcome("kept"))
        refused = await launch(MODULE, SAYSO_BOOTSTRAP=fresh_cluster, SAYSO_STATE=str(tmp_path))
        _, said = await refused.communicate()
        loss = f"{OUTCOMES.name}/{part}@1"
        assert refused.returncode == 1
        assert f"SAYSO_ACCEPT_LOSS={loss}".encode() in said
        await there.start(SAYSO_ACCEPT_LOSS=loss)
        await until(lambda: set(messages_of(receiver.calls)) == {"kept"})


async def has_records(bootstrap: str, part: int) -> bool:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    one = TopicPartition(OUTCOMES.name, part)
    ends = await consumer.end_offsets([one])
    await consumer.stop()
    return bool(ends[one])
