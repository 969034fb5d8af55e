"""What a webhook hears from the simulator: signed, in every order, and not always."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from services.local.simulator import Script, Simulator
from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post, twilio
from tests.adapters.hook import Hook, hook
from tests.adapters.sdk import sdk
from tests.adapters.waiting import quiet

TO = "+14155550100"
SERVICE = "MG" + "1" * 32


async def one_text(listening: Hook, fate: Any, sender: str = "24365", **settings: Any) -> None:
    script = Script.model_validate({"numbers": {TO: fate}})
    async with (
        Simulator(script, speed=10, public_url=listening.public_url, **settings) as sim,
        twilio(sim.url, public_url=listening.public_url) as client,
    ):
        await client.send(post(TO, sender=sender))
        await quiet(sim)


@pytest.mark.parametrize(
    ("fate", "statuses"),
    [
        ("delivered", ["sent", "delivered"]),
        ("undelivered:30003", ["sent", "undelivered"]),
        ("failed:30006", ["failed"]),
        ("sent", ["sent"]),
        ("reset-after", ["sent", "delivered"]),
        ("truncated", ["sent", "delivered"]),
        ("no-sid", ["sent", "delivered"]),
        ({"fate": "http:500", "taken": True}, ["sent", "delivered"]),
        ("http:500", []),
        ("reset-before", []),
        ("refuse:21614", []),
        ({"receipts": ["lost"]}, []),
        ({"receipts": ["final-lost"]}, ["sent"]),
        ({"receipts": ["reordered"]}, ["delivered", "sent"]),
        ({"receipts": ["early"]}, ["sent", "sent", "delivered"]),
        ({"receipts": ["late"], "late": 3}, ["sent", "delivered"]),
        ({"receipts": ["duplicated", "reordered"]}, ["delivered", "delivered", "sent", "sent"]),
    ],
    ids=str,
)
async def test_receipts(fate: Any, statuses: list[str]) -> None:
    async with hook() as listening:
        await one_text(listening, fate)
        assert listening.statuses == statuses
        assert all(one.genuine for one in listening.heard)


async def test_duplicates() -> None:
    """Copies come 10 ms after the first: which of two calls is served first is the network's
    business."""
    async with hook() as listening:
        await one_text(listening, {"fate": "undelivered:30005", "receipts": ["duplicated"]})
        assert sorted(listening.statuses) == ["sent", "sent", "undelivered", "undelivered"]


async def test_what_a_receipt_says() -> None:
    async with hook() as listening:
        await one_text(listening, "undelivered:30003")
        sent, final = listening.heard
        assert sent.path == "/twilio/status"
        assert sent.query == {"tenant": ["acme"], "message_id": ["m-1"], "attempt": ["1"]}
        assert "ErrorCode" not in sent.form
        assert final.form["ErrorCode"] == "30003"
        assert final.form["MessageSid"] == final.form["SmsSid"] == sent.form["MessageSid"]
        assert (final.form["To"], final.form["From"]) == (TO, "24365")
        assert len(final.form["RawDlrDoneDate"]) == len("YYMMDDhhmm")


async def test_a_service_reports_queued_too() -> None:
    async with hook() as listening:
        await one_text(listening, "delivered", sender=SERVICE)
        assert listening.statuses == ["queued", "sent", "delivered"]
        assert {one.form["MessagingServiceSid"] for one in listening.heard} == {SERVICE}


async def test_the_public_url_is_signed_wherever_it_is_delivered() -> None:
    async with hook("https://sms.example.com") as listening:
        await one_text(listening, "delivered", deliver_to=listening.url)
        assert len(listening.heard) == 2
        assert all(one.genuine for one in listening.heard)


async def test_recipients_answer() -> None:
    replies = [
        {"after_texts": 1, "body": "STOP", "delay": 0.1},
        {"after_texts": 2, "body": "never comes"},
    ]
    async with hook() as listening:
        await one_text(listening, {"fate": "delivered", "replies": replies})
        inbound = [one for one in listening.heard if one.path == "/twilio/inbound"]
        assert [
            (one.form["From"], one.form["To"], one.form["Body"], one.genuine) for one in inbound
        ] == [(TO, "24365", "STOP", True)]


async def test_recipients_who_are_scripted_anew_answer_their_next_text() -> None:
    """A second demo on the same simulator finds everybody as the first one did."""
    script = {TO: {"fate": "delivered", "replies": [{"body": "STOP", "delay": 0.1}]}}
    async with (
        hook() as listening,
        Simulator(Script(), speed=10, public_url=listening.public_url) as sim,
        twilio(sim.url, public_url=listening.public_url) as client,
        aiohttp.ClientSession(sim.url) as http,
    ):
        for _ in range(2):
            (await http.put("/simulator/people", json=script)).raise_for_status()
            await client.send(post(TO, sender="24365"))
            await quiet(sim)
        inbound = [one for one in listening.heard if one.path == "/twilio/inbound"]
        assert [one.form["Body"] for one in inbound] == ["STOP", "STOP"]


async def test_a_recipient_who_was_not_reached_does_not_answer() -> None:
    async with hook() as listening:
        await one_text(listening, {"fate": "undelivered:30003", "replies": [{"body": "STOP"}]})
        assert listening.statuses == ["sent", "undelivered"]
        assert len(listening.heard) == 2


async def test_an_inbound_to_a_service() -> None:
    async with hook() as listening, Simulator(public_url=listening.url) as sim:
        sim.inbound(TO, SERVICE, "")
        await quiet(sim)
        [heard] = listening.heard
        assert (heard.form["MessagingServiceSid"], heard.form["To"]) == (SERVICE, "+15005550006")
        assert heard.form["Body"] == ""
        assert heard.genuine, "blank fields are signed"


@pytest.mark.parametrize(
    ("fragment", "answers", "calls"),
    [
        ("", [503], 1),
        ("#rc=2&rp=all", [503, 503, 503], 3),
        ("#rc=2&rp=5xx", [503], 2),
        ("#rc=5&rp=5xx", [404], 1),
    ],
)
async def test_callbacks_are_retried_as_the_fragment_asks(
    fragment: str, answers: list[int], calls: int
) -> None:
    script = Script.model_validate({"otherwise": "sent"})
    async with hook() as listening, Simulator(script) as sim, sdk(sim) as client:
        listening.answers = list(answers)
        await client.create(status_callback=listening.url + "/twilio/status" + fragment)
        await quiet(sim)
        assert len(listening.heard) == calls
        assert all(one.genuine for one in listening.heard)


async def test_a_webhook_that_is_away_for_a_while() -> None:
    """The rule for our URLs can be to try again; without one what was missed is lost."""
    for rule, statuses in (({}, []), ({"webhook_rule": "rc=5&rp=all"}, ["sent"])):
        async with (
            hook() as listening,
            Simulator(Script.model_validate({"otherwise": "sent"} | rule)) as sim,
        ):
            listening.answers = [503, 503]
            async with sdk(sim) as anybody:
                await anybody.create(to=TO, status_callback=listening.url + "/twilio/status")
                await quiet(sim)
            assert listening.statuses[2:] == statuses


async def test_our_callbacks_are_retried_whatever_the_default() -> None:
    """Their address asks for it, and is signed without what asks."""
    async with hook() as listening, Simulator(Script.model_validate({"otherwise": "sent"})) as sim:
        listening.answers = [503, 503]
        async with twilio(sim.url, public_url=listening.url) as client:
            await client.send(post(TO))
            await quiet(sim)
        assert listening.statuses == ["sent"] * 3
        assert all(one.genuine for one in listening.heard)


async def test_a_stop_blocks_a_sender_until_start() -> None:
    script = Script.model_validate({"senders": {"*": {"pace": 100}}})
    ours, other = "+15005550006", "+15005550010"
    async with Simulator(script) as sim, twilio(sim.url) as client:

        async def result(sender: str) -> tuple[Result, str | None]:
            answer = await client.send(post(TO, sender=sender))
            return answer.result, answer.code

        assert await result(ours) == (Result.ACCEPTED, None)
        sim.inbound(TO, ours, " stop\n")
        assert await result(ours) == (Result.REFUSED, "21610")
        assert await result(other) == (Result.ACCEPTED, None), "a STOP is for one sender"
        sim.inbound(TO, ours, "STOP PLEASE")
        sim.inbound(TO, ours, "start")
        assert await result(ours) == (Result.ACCEPTED, None)


async def test_short_codes_have_no_stop_list_unless_scripted() -> None:
    for script, result in (
        ({}, Result.ACCEPTED),
        ({"senders": {"*": {"stop_list": True}}}, Result.REFUSED),
    ):
        async with Simulator(Script.model_validate(script)) as sim, twilio(sim.url) as client:
            sim.inbound(TO, "24365", "QUIT")
            assert (await client.send(post(TO))).result is result
