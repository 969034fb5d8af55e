"""What each answer, and each silence, is taken for.  Twilio's SDK over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest
from aiohttp import web

from services.local.simulator import Script, Simulator
from streams.dispatch.provider_calls import Result
from streams.runtime.timing import Lease
from tests.adapters.calls import post, twilio
from tests.adapters.servers import server, slow_door

TO = "+14155550100"


def entries(journal: Path, event: str = "create") -> list[dict[str, object]]:
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


@pytest.mark.parametrize(
    ("fate", "result", "code", "taken"),
    [
        ("delivered", Result.ACCEPTED, None, True),
        ("undelivered:30003", Result.ACCEPTED, None, True),
        ("failed:30006", Result.ACCEPTED, None, True),
        ("refuse:21614", Result.REFUSED, "21614", False),
        ("refuse:21610", Result.REFUSED, "21610", False),
        ("rate-limit", Result.LIMITED, "20429", False),
        ("http:500", Result.IN_DOUBT, None, False),
        ("http:503", Result.IN_DOUBT, None, False),
        ("refuse:20500", Result.IN_DOUBT, "20500", False),
        ("http:403", Result.IN_DOUBT, None, False),
        ("http:302", Result.IN_DOUBT, None, False),
        ({"fate": "http:500", "taken": True}, Result.IN_DOUBT, None, True),
        ("reset-before", Result.IN_DOUBT, None, False),
        ("reset-after", Result.IN_DOUBT, None, True),
        ("truncated", Result.IN_DOUBT, None, True),
        ("no-sid", Result.IN_DOUBT, None, True),
    ],
    ids=str,
)
async def test_every_fate_has_its_result(
    fate: object, result: Result, code: str | None, taken: bool, tmp_path: Path
) -> None:
    script = Script.model_validate({"numbers": {TO: fate}})
    async with Simulator(script, journal=tmp_path / "j") as sim, twilio(sim.url) as client:
        answer = await client.send(post(TO))
        assert (answer.result, answer.code) == (result, code)
        assert (answer.provider_id is not None) == (result is Result.ACCEPTED)
        assert answer.detail or result is Result.ACCEPTED
        assert len(sim.messages) == taken
        assert [line["outcome"] == "taken" for line in entries(tmp_path / "j")] == [taken], (
            "one POST, never two"
        )


async def test_the_answer_carries_the_identity_of_the_post() -> None:
    async with Simulator() as sim, twilio(sim.url) as client:
        answer = await client.send(post(TO, tenant="acme", message_id="order:77", attempt=3))
        assert (answer.tenant, answer.message_id, answer.attempt, answer.sender) == (
            "acme",
            "order:77",
            3,
            "24365",
        )
        assert answer.provider_id == sim.messages[0].sid


async def test_no_such_host() -> None:
    async with twilio("http://nowhere.invalid") as client:
        assert (await client.send(post())).result is Result.UNSENT


async def test_a_lease_that_ends_while_connecting_sends_nothing() -> None:
    lease, looked = Lease(60), 0

    def held() -> bool:
        nonlocal looked
        looked += 1
        return lease.is_held

    async with slow_door() as door, twilio(door.url) as client:
        call = asyncio.create_task(client.send(post(), held))
        await asyncio.sleep(0.1)
        assert not looked, "not before there is a connection"
        lease.revoke()
        inside = door.open()
        answer = await call
        await asyncio.sleep(0.05)
        inside.cancel()
        assert (answer.result, answer.code, looked) == (Result.UNSENT, "lease_over", 1)
        assert door.said == b""


async def test_a_lease_that_ends_while_queued_sends_nothing() -> None:
    asked, came, go = 0, asyncio.Event(), asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        came.set()
        await go.wait()
        return web.json_response({"sid": "SM1"}, status=201)

    lease = Lease(60)
    async with server(answer) as url, twilio(url, connections=1) as client:
        first = asyncio.create_task(client.send(post()))
        await came.wait()
        second = asyncio.create_task(client.send(post(), lambda: lease.is_held))
        await asyncio.sleep(0.05)
        lease.revoke()
        go.set()
        assert (await first).result is Result.ACCEPTED
        assert (await second).code == "lease_over"
        assert (await client.send(post(), lambda: True)).result is Result.ACCEPTED, (
            "the client is as good as before"
        )
    assert asked == 2


async def test_a_server_that_dies_between_two_calls() -> None:
    """The pooled connection is gone: the second call finds nobody, or is cut off; it is never
    sent twice."""
    simulator = Simulator()
    async with simulator as sim, twilio(sim.url) as client:
        assert (await client.send(post())).result is Result.ACCEPTED
        await simulator.__aexit__()
        assert (await client.send(post())).result in {Result.UNSENT, Result.IN_DOUBT}
        simulator = await simulator.__aenter__()


@pytest.mark.parametrize(
    ("status", "text", "result", "code"),
    [
        pytest.param(201, "<html>ok</html>", Result.IN_DOUBT, None, id="no JSON"),
        pytest.param(201, "[1]", Result.IN_DOUBT, None, id="a list"),
        pytest.param(201, "null", Result.IN_DOUBT, None, id="null"),
        pytest.param(201, "", Result.IN_DOUBT, None, id="nothing"),
        pytest.param(201, '{"sid": 7}', Result.IN_DOUBT, None, id="a sid that is none"),
        pytest.param(
            201,
            '{"sid": "SM1", "date_created": 5}',
            Result.IN_DOUBT,
            None,
            id="a date that is none",
        ),
        pytest.param(400, "<html>bad gateway</html>", Result.IN_DOUBT, None, id="400 of a proxy"),
        pytest.param(
            408, '{"code": 408, "message": "slow"}', Result.IN_DOUBT, None, id="408 of a proxy"
        ),
        pytest.param(
            400, '{"code": 21211, "message": "x"}', Result.REFUSED, "21211", id="Twilio's word"
        ),
        pytest.param(
            400, '{"code": "21211", "message": "x"}', Result.REFUSED, "21211", id="its code as text"
        ),
        pytest.param(
            400,
            '{"type": "t", "title": "x", "status": 400, "code": 20001}',
            Result.REFUSED,
            "20001",
            id="RFC 9457",
        ),
        pytest.param(429, "slow down", Result.LIMITED, "429", id="429 of a proxy"),
        pytest.param(
            429,
            '{"type": "t", "title": "", "status": 429, "code": 20429}',
            Result.LIMITED,
            "20429",
            id="429, RFC 9457",
        ),
    ],
)
async def test_strange_answers(status: int, text: str, result: Result, code: str | None) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    async with server(answer) as url, twilio(url) as client:
        got = await client.send(post())
        assert (got.result, got.code) == (result, code)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1", 1.0), ("0.25", 0.25), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
async def test_retry_after(header: str | None, seconds: float | None) -> None:
    async def answer(_request: web.Request) -> web.Response:
        headers = {"Retry-After": header} if header else {}
        return web.json_response({"code": 20429, "message": "x"}, status=429, headers=headers)

    async with server(answer) as url, twilio(url) as client:
        assert (await client.send(post())).retry_after == seconds


@pytest.mark.parametrize(
    "fate", ["delivered", "refuse:21211", "http:500", "rate-limit", "truncated", "reset-after"]
)
async def test_no_number_and_no_text_in_logs_or_details(
    fate: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        Simulator(Script.model_validate({"otherwise": fate})) as sim,
        twilio(sim.url) as client,
    ):
        answer = await client.send(post(TO, "the secret word is marmalade"))
    told = caplog.text + answer.model_dump_json() + repr(client.__dict__)
    assert "5550100" not in told
    assert "marmalade" not in told
    assert "simulated-token" not in told


async def test_a_text_that_cannot_be_written_down() -> None:
    async with Simulator() as sim, twilio(sim.url) as client:
        answer = await client.send(post(body="half an emoji: \ud83d"))
        assert (answer.result, answer.code) == (Result.REFUSED, "unencodable")
        assert not sim.messages


@pytest.mark.parametrize(
    "body", ["ünïcode 🎉", "a+b&c=d%20 ;#", "line\r\nbreak", "NUL \x00", " ", "x" * 1600]
)
async def test_the_text_arrives_as_it_was(body: str) -> None:
    async with Simulator() as sim, twilio(sim.url) as client:
        assert (await client.send(post(body=body))).result is Result.ACCEPTED
        assert sim.messages[0].body == body


async def test_a_messaging_service_is_named_as_one() -> None:
    service = "MG" + "0" * 32
    async with Simulator() as sim, twilio(sim.url) as client:
        assert (await client.send(post(sender=service))).result is Result.ACCEPTED
        assert (sim.messages[0].service, sim.messages[0].sender) == (service, None)


async def test_the_callback_address_carries_our_identity() -> None:
    async with (
        Simulator() as sim,
        twilio(sim.url, public_url="https://sms.example.com/sayso/") as client,
    ):
        await client.send(post(tenant="acme@eu", message_id="a:b.c-d", attempt=2))
        assert sim.messages[0].callback == (
            "https://sms.example.com/sayso/twilio/status?tenant=acme%40eu&message_id=a%3Ab.c-d&attempt=2#rc=5&rp=all"
        )


async def test_the_environment_does_not_redirect_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would rewrite the host by these, even one that is not Twilio's."""
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    async with Simulator() as sim, twilio(sim.url) as client:
        assert (await client.send(post())).result is Result.ACCEPTED
