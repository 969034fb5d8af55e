"""The simulator against Twilio's own description of the Messages API, driven by Twilio's own
SDK.

Prism turns an answer that breaks the description into a 500, on which the SDK raises: so a call
that returns has passed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from aiohttp import web
from twilio.base.exceptions import TwilioException, TwilioRestException

from services.local.simulator import Script, Simulator
from services.local.simulator.server import ACCOUNT
from tests.adapters.sdk import Sdk, sdk
from tests.adapters.servers import server
from tests.adapters.waiting import quiet
from tests.contracts.prism import prism

SERVICE = "MG" + "1" * 32
SCRIPT = Script.model_validate({"numbers": {"*0003": "undelivered:30003", "*0006": "failed:30006"}})


class Checked(NamedTuple):
    simulator: Simulator
    client: Sdk


@pytest.fixture
async def checked() -> AsyncIterator[Checked]:
    async with Simulator(SCRIPT, speed=50) as sim, prism(sim.url) as url, sdk(sim, url) as client:
        yield Checked(sim, client)


async def test_create_fetch_list_update_delete(checked: Checked) -> None:
    sim, client = checked
    sids = [
        (await client.create(to=to, body="é" * 200)).sid
        for to in ("+14155550003", "+14155550006", "+14155550100")
    ]
    service = await client.create(to="+14155550101", from_=None, messaging_service_sid=SERVICE)
    await quiet(sim)
    seen = [(await client.fetch(sid)).status for sid in (*sids, service.sid)]
    assert seen == ["undelivered", "failed", "delivered", "delivered"]
    assert len(await client.list(page_size=1)) == 4
    assert (
        len(
            await client.list(
                to="+14155550100", date_sent_after=datetime.now(UTC) - timedelta(days=1)
            )
        )
        == 1
    )
    assert (await client.update(sids[0], body="")).body == ""
    assert await client.delete(sids[0])


async def test_schedule_and_cancel(checked: Checked) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    form = {
        "from_": None,
        "messaging_service_sid": SERVICE,
        "schedule_type": "fixed",
        "send_at": at,
    }
    message = await checked.client.create(**form)
    assert (await checked.client.update(message.sid, status="canceled")).status == "canceled"


async def test_what_people_text_us_is_listed_too(checked: Checked) -> None:
    checked.simulator.inbound("+14155550100", "24365", "hello")
    [message] = await checked.client.list(from_="+14155550100")
    assert (message.direction, message.status) == ("inbound", "received")


async def test_errors_keep_their_form(checked: Checked) -> None:
    """The description knows no errors: Prism lets them through with a warning, and the SDK reads
    them."""
    for call, code in (
        (checked.client.create(to="+1"), 21211),
        (checked.client.create(body="x" * 1601), 21617),
        (checked.client.fetch("SM" + "0" * 32), 20404),
    ):
        with pytest.raises(TwilioRestException) as refusal:
            await call
        assert refusal.value.code == code


async def test_prism_would_have_noticed() -> None:
    """The checker checked: an answer with one thing wrong does not get through."""
    right = {
        "sid": "SM" + "0" * 32,
        "account_sid": ACCOUNT,
        "status": "queued",
        "num_segments": "1",
    }
    wrong: list[dict[str, object]] = [
        {"num_segments": 1},
        {"sid": "SM1"},
        {"status": "away"},
        {"error_code": "none"},
    ]
    answers = [right | change for change in ({}, *wrong)]

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(answers.pop(0), status=201)

    async with server(answer) as upstream, prism(upstream) as url, sdk(Simulator(), url) as client:
        assert (await client.create()).status == "queued"
        for _ in wrong:
            with pytest.raises(TwilioException, match="500"):
                await client.create()
    assert not answers
