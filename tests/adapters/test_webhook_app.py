"""The webhook over HTTP: what it answers, and that it never says 2xx without Kafka's word."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from pydantic import SecretStr

from schemas.topics import DELIVERY_RECEIPTS, INBOUND
from services.kafka.batch_publisher import BatchPublisher
from services.kafka.publisher import NotPublished, Publisher
from services.local.simulator import Script, Simulator
from services.local.simulator.callbacks import sign as signed
from services.local.simulator.server import ACCOUNT, TOKEN
from services.webhook.app import MAX_BODY, Webhook
from services.webhook.server import serve
from services.webhook.signature import Signature
from tests.adapters.calls import post, twilio
from tests.adapters.processes import CREDENTIALS, launch, service
from tests.adapters.servers import nobody_listens
from tests.adapters.topics import records
from tests.adapters.waiting import quiet

PUBLIC = "https://sms.example.com"
STATUS = "/twilio/status?tenant=acme&message_id=m-1&attempt=1"
RECEIPT = {"MessageSid": "SM1", "MessageStatus": "delivered", "ErrorCode": ""}
TEXT = {"MessageSid": "SM2", "From": "+14155550100", "To": "24365", "Body": "STOP"}


class Door:
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self._http = http

    async def post(
        self, target: str, form: Mapping[str, str], signature: str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Signed as Twilio would, unless another signature is given; "" leaves the header out."""
        signature = signed(TOKEN, PUBLIC + target, form) if signature is None else signature
        if signature:
            headers["X-Twilio-Signature"] = signature
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self._http.post(
            self.url + target, data=urlencode(form), headers=headers
        ) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._http.get(self.url + path) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def webhook(bootstrap: str, public_url: str = PUBLIC) -> AsyncIterator[Door]:
    publisher = BatchPublisher(bootstrap, source="webhook", timeout=10)
    app = Webhook(Signature(SecretStr(TOKEN), public_url), publisher)
    try:
        async with (
            serve(app, "127.0.0.1", 0, grace=0.1) as (_, port),
            aiohttp.ClientSession() as http,
        ):
            yield Door(f"http://127.0.0.1:{port}", http)
    finally:
        await publisher.stop()


def dead_broker() -> str:
    return nobody_listens().removeprefix("http://")


async def test_without_kafka_twilio_is_told_to_retry() -> None:
    async with webhook(dead_broker()) as door:
        for target, form in ((STATUS, RECEIPT), ("/twilio/inbound", TEXT)):
            assert (await door.post(target, form))[0] == 503
        assert (await door.get("/ready"))[0] == 503
        assert (await door.get("/live")) == (200, {"live": True, "answers": {"503": 2}})


async def test_503_says_when() -> None:
    async with webhook(dead_broker()) as door, aiohttp.ClientSession() as http:
        headers = {"X-Twilio-Signature": signed(TOKEN, PUBLIC + STATUS, RECEIPT)}
        async with http.post(door.url + STATUS, data=RECEIPT, headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    "signature", ["", "forged", signed("another token", PUBLIC + STATUS, RECEIPT)]
)
async def test_unsigned_calls_are_refused_before_kafka_is_used(signature: str) -> None:
    """No broker is there: had anything been published, the answer would be 503."""
    async with webhook(dead_broker()) as door:
        for target, form in ((STATUS, RECEIPT), ("/twilio/inbound", TEXT)):
            assert (await door.post(target, form, signature))[0] == 403


async def test_the_host_header_is_not_believed() -> None:
    """Signed for where we listen, and for what the caller says our host is: neither is our
    public URL."""
    async with webhook(dead_broker()) as door:
        assert (await door.post(STATUS, RECEIPT, signed(TOKEN, door.url + STATUS, RECEIPT)))[
            0
        ] == 403
        forged = signed(TOKEN, "https://evil.example" + STATUS, RECEIPT)
        told = {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
        }
        assert (await door.post(STATUS, RECEIPT, forged, **told))[0] == 403


@pytest.mark.parametrize(
    ("target", "form", "word"),
    [
        ("/twilio/status", RECEIPT, "tenant, message_id, attempt"),
        ("/twilio/status?tenant=acme&message_id=&attempt=1", RECEIPT, "message_id"),
        ("/twilio/status?tenant=acme&message_id=m-1&attempt=one", RECEIPT, "attempt"),
        (STATUS, {"MessageSid": "SM1"}, "MessageStatus"),
        ("/twilio/inbound", {"MessageSid": "SM1"}, "From, To"),
    ],
)
async def test_genuine_but_wrong(target: str, form: dict[str, str], word: str) -> None:
    async with webhook(dead_broker()) as door:
        status, said = await door.post(target, form)
        assert (status, word in said) == (400, True)


async def test_too_big_and_not_ours() -> None:
    async with webhook(dead_broker()) as door:
        assert (await door.post(STATUS, {"Body": "x" * MAX_BODY}))[0] == 413
        assert (await door.post("/twilio/elsewhere", RECEIPT))[0] == 404
        async with aiohttp.ClientSession() as http, http.get(door.url + STATUS) as answer:
            assert answer.status == 405


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"SAYSO_BOOTSTRAP": "127.0.0.1:9"}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_AUTH_TOKEN": "x"}, "SAYSO_BOOTSTRAP"),
        (
            {"TWILIO_AUTH_TOKEN": "x", "SAYSO_BOOTSTRAP": "127.0.0.1:9", "SAYSO_PUBLIC_URL": "sms"},
            "SAYSO_PUBLIC_URL",
        ),
        ({"SAYSO_WEBHOOK_PORT": "high"}, "SAYSO_WEBHOOK_PORT"),
    ],
)
async def test_one_sentence_when_it_cannot_start(settings: dict[str, str], word: str) -> None:
    process = await launch("services.webhook", **settings)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().startswith(word)
    assert len(said.decode().strip().splitlines()) == 1


async def test_it_starts_and_stops_without_kafka(tmp_path: Path) -> None:
    told = {**CREDENTIALS, "SAYSO_BOOTSTRAP": dead_broker(), "SAYSO_WEBHOOK_PORT": "0"}
    async with (
        service("services.webhook", tmp_path, **told) as hook,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(hook.url + "/live") as answer:
            assert answer.status == 200
        hook.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(hook.process.wait(), 20) == 0


async def test_a_publisher_without_a_broker_says_so() -> None:
    publisher = Publisher(dead_broker(), source="test", timeout=5)
    with pytest.raises(NotPublished, match=r"127\.0\.0\.1"):
        await publisher.start()
    await publisher.stop()


@pytest.mark.broker
async def test_a_genuine_call_is_on_kafka_before_it_is_answered(fresh_cluster: str) -> None:
    async with webhook(fresh_cluster) as door:
        assert (await door.get("/ready"))[0] == 200
        assert (await door.post(STATUS, RECEIPT)) == (204, "")
        assert (await door.post("/twilio/inbound", TEXT))[1].endswith("<Response/>")
        [receipt] = await records(fresh_cluster, DELIVERY_RECEIPTS)
        [text] = await records(fresh_cluster, INBOUND)
    assert receipt.key == b"acme/m-1"
    assert DELIVERY_RECEIPTS.decode(receipt.value).status == "delivered"
    assert text.key == b"24365/+14155550100"
    assert INBOUND.decode(text.value).body == "STOP"
    headers = dict(text.headers)
    assert headers["ce_type"] == b"sayso.inbound_message.v1"
    assert headers["ce_source"] == b"/sayso/webhook"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_id"] != dict(receipt.headers)["ce_id"]


@pytest.mark.broker
async def test_a_forgery_publishes_nothing_and_a_replay_the_same(fresh_cluster: str) -> None:
    """A replayed call is genuine: it is published again, under the same ids, for the rooms to
    know it by."""
    async with webhook(fresh_cluster) as door:
        for signature in ("", "forged", signed("another token", PUBLIC + STATUS, RECEIPT)):
            assert (await door.post(STATUS, RECEIPT, signature))[0] == 403
        assert await records(fresh_cluster, DELIVERY_RECEIPTS) == []
        for _ in range(2):
            assert (await door.post(STATUS, RECEIPT))[0] == 204
        first, second = await records(fresh_cluster, DELIVERY_RECEIPTS)
    assert (first.key, first.partition) == (second.key, second.partition)
    same = [
        DELIVERY_RECEIPTS.decode(one.value).model_dump(exclude={"received_at"})
        for one in (first, second)
    ]
    assert same[0] == same[1]


@pytest.mark.broker
async def test_the_whole_edge(fresh_cluster: str) -> None:
    """Twilio's SDK → the simulator → signed callbacks → the webhook → Kafka."""
    script = Script.model_validate(
        {
            "numbers": {
                "*0003": "undelivered:30003",
                "*0100": {"fate": "delivered", "replies": [{"body": "Stop"}]},
            }
        }
    )
    async with (
        webhook(fresh_cluster) as door,
        Simulator(
            script, account_sid=ACCOUNT, public_url=PUBLIC, deliver_to=door.url, speed=10
        ) as sim,
        twilio(sim.url, public_url=PUBLIC) as client,
    ):
        for place, to in enumerate(("+14155550100", "+14155550003")):
            await client.send(post(to, message_id=f"m-{place}"))
        await quiet(sim)
        receipts = [
            DELIVERY_RECEIPTS.decode(one.value)
            for one in await records(fresh_cluster, DELIVERY_RECEIPTS)
        ]
        texts = [INBOUND.decode(one.value) for one in await records(fresh_cluster, INBOUND)]
    assert sorted((one.message_id, one.status, one.error_code) for one in receipts) == [
        ("m-0", "delivered", None),
        ("m-0", "sent", None),
        ("m-1", "sent", None),
        ("m-1", "undelivered", "30003"),
    ]
    assert [(one.sender, one.number, one.body) for one in texts] == [
        ("24365", "+14155550100", "Stop")
    ]
