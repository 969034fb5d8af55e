"""The simulator as Twilio's SDK sees it: create, fetch, list, update, delete and every refusal."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from services.local.simulator import Script, Simulator
from tests.adapters.sdk import sdk
from tests.adapters.waiting import quiet

SERVICE = "MG" + "1" * 32
OURS = Script.model_validate(
    {"senders": {"24365": {}, "+15005550006": {}, "+15005550007": {}, SERVICE: {}}}
)


async def test_create_answers_like_twilio() -> None:
    async with Simulator(OURS) as sim, sdk(sim) as client:
        message = await client.create(to="+14155550100", from_="24365", body="x" * 161)
        assert message.sid.startswith("SM")
        assert len(message.sid) == 34
        assert (message.to, message.from_, message.body) == ("+14155550100", "24365", "x" * 161)
        assert (message.status, message.direction, message.num_segments) == (
            "queued",
            "outbound-api",
            "2",
        )
        assert (message.messaging_service_sid, message.error_code, message.date_sent) == (
            None,
            None,
            None,
        )
        assert abs(message.date_created - datetime.now(UTC)) < timedelta(seconds=5)
        assert message.uri == f"/2010-04-01/Accounts/{sim.account_sid}/Messages/{message.sid}.json"


async def test_a_service_has_no_sender_and_no_segments_at_first() -> None:
    async with Simulator(OURS, speed=100) as sim, sdk(sim) as client:
        message = await client.create(from_=None, messaging_service_sid=SERVICE)
        assert (message.status, message.num_segments, message.from_) == ("accepted", "0", None)
        await quiet(sim)
        later = await client.fetch(message.sid)
        assert (later.status, later.num_segments, later.from_) == ("delivered", "1", "+15005550006")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"to": ""}, 21604),
        ({"from_": ""}, 21603),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"to": "14155550100"}, 21211),
        ({"to": "+1415"}, 21211),
        ({"to": "hello"}, 21211),
        ({"from_": "not a number"}, 21212),
        ({"from_": "+14155559999"}, 21659),
        ({"from_": "99999"}, 21659),
        ({"from_": None, "messaging_service_sid": "MG7"}, 21705),
        ({"from_": None, "messaging_service_sid": "MG" + "2" * 32}, 21701),
        ({"status_callback": "/relative"}, 21609),
        ({"status_callback": "https://my_host.example.com/"}, 21609),
        ({"schedule_type": "fixed", "send_at": datetime(2099, 1, 1, tzinfo=UTC)}, 35118),
        ({"from_": None, "messaging_service_sid": SERVICE, "schedule_type": "fixed"}, 35111),
        (
            {
                "from_": None,
                "messaging_service_sid": SERVICE,
                "schedule_type": "fixed",
                "send_at": datetime(2099, 1, 1, tzinfo=UTC),
            },
            35114,
        ),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
    ],
)
async def test_refusals(form: dict[str, Any], code: int) -> None:
    async with Simulator(OURS) as sim, sdk(sim) as client:
        with pytest.raises(TwilioRestException) as refusal:
            await client.create(**form)
        assert (refusal.value.code, refusal.value.status) == (code, 400)
        assert not sim.messages


async def test_who_may_call() -> None:
    async with Simulator() as sim, sdk(sim, token="wrong") as stranger:
        for call in (stranger.create(), stranger.fetch("SM" + "0" * 32)):
            with pytest.raises(TwilioRestException) as refusal:
                await call
            assert (refusal.value.code, refusal.value.status) == (20003, 401)
        with pytest.raises(TwilioException, match="20003"):
            await stranger.list()


async def test_no_such_message() -> None:
    async with Simulator() as sim, sdk(sim) as client:
        with pytest.raises(TwilioRestException) as refusal:
            await client.fetch("SM" + "0" * 32)
        assert (refusal.value.code, refusal.value.status) == (20404, 404)


async def test_the_final_status_shows_when_fetched() -> None:
    script = Script.model_validate(
        {"numbers": {"*0003": "undelivered:30003", "*0006": "failed:30006"}}
    )
    async with Simulator(script, speed=100) as sim, sdk(sim) as client:
        sids = [
            (await client.create(to=to)).sid
            for to in ("+14155550003", "+14155550006", "+14155550100")
        ]
        await quiet(sim)
        seen = [await client.fetch(sid) for sid in sids]
        assert [(one.status, one.error_code, one.date_sent is not None) for one in seen] == [
            ("undelivered", 30003, True),
            ("failed", 30006, False),
            ("delivered", None, True),
        ]


async def test_list_filters_and_pages_newest_first() -> None:
    async with Simulator(speed=1000) as sim, sdk(sim) as client:
        mine = [(await client.create(to="+14155550100", body=str(n))).sid for n in range(5)]
        await client.create(to="+14155550199", from_="36524")
        assert [one.sid for one in await client.list(to="+14155550100", page_size=2)] == mine[::-1]
        assert len(await client.list(from_="36524")) == 1
        assert len(await client.list()) == 6
        assert len(await client.list(limit=3)) == 3
        await quiet(sim)
        now, day = datetime.now(UTC), timedelta(days=1)
        assert len(await client.list(to="+14155550100", date_sent_after=now - day)) == 5
        assert len(await client.list(to="+14155550100", date_sent_before=now - day)) == 0
        assert len(await client.list(to="+14155550100", date_sent_after=now + day)) == 0


async def test_a_queued_text_has_no_date_sent() -> None:
    async with (
        Simulator(Script.model_validate({"senders": {"*": {"pace": 0.01}}})) as sim,
        sdk(sim) as client,
    ):
        await client.create()
        assert len(await client.list(date_sent=date.today())) == 0
        assert len(await client.list()) == 1


async def test_cancel_and_redact_in_their_time() -> None:
    script = Script.model_validate({"senders": {"*": {"pace": 0.5}}})
    async with Simulator(script, speed=1) as sim, sdk(sim) as client:
        waiting = (await client.create(to="+14155550101")).sid
        assert (await client.update(waiting, status="canceled")).status == "canceled"
        with pytest.raises(TwilioRestException) as late:
            await client.update(waiting, status="canceled")
        assert late.value.code == 30409
        assert (await client.update(waiting, body="")).body == ""
        queued = (await client.create(to="+14155550102")).sid
        for change, code in (({"body": ""}, 20009), ({"body": "other words"}, 20001)):
            with pytest.raises(TwilioRestException) as early:
                await client.update(queued, **change)
            assert early.value.code == code


async def test_a_canceled_text_stays_canceled() -> None:
    async with (
        Simulator(Script.model_validate({"senders": {"*": {"pace": 20}}})) as sim,
        sdk(sim) as client,
    ):
        sid = (await client.create()).sid
        await client.update(sid, status="canceled")
        await quiet(sim)
        assert (await client.fetch(sid)).status == "canceled"


async def test_scheduled_texts_wait() -> None:
    async with Simulator(OURS) as sim, sdk(sim) as client:
        at = datetime.now(UTC) + timedelta(hours=1)
        form = {
            "from_": None,
            "messaging_service_sid": SERVICE,
            "schedule_type": "fixed",
            "send_at": at,
        }
        message = await client.create(**form)
        assert message.status == "scheduled"
        assert (await client.update(message.sid, status="canceled")).status == "canceled"


async def test_delete_only_what_has_ended() -> None:
    async with (
        Simulator(Script.model_validate({"senders": {"*": {"pace": 0.01}}})) as sim,
        sdk(sim) as client,
    ):
        sid = (await client.create()).sid
        with pytest.raises(TwilioRestException) as early:
            await client.delete(sid)
        assert early.value.code == 20009
        await client.update(sid, status="canceled")
        assert await client.delete(sid)
        with pytest.raises(TwilioRestException):
            await client.fetch(sid)


async def test_too_many_at_once() -> None:
    slow = Script.model_validate({"concurrency": 1, "answer_after": [0.3, 0.3]})
    async with Simulator(slow) as sim, sdk(sim) as one, sdk(sim) as other:
        outcomes = await asyncio.gather(
            one.create(), other.create(to="+14155550101"), return_exceptions=True
        )
        refusals = [outcome for outcome in outcomes if isinstance(outcome, TwilioRestException)]
        assert [(refusal.status, refusal.code) for refusal in refusals] == [(429, 20429)]


async def test_too_many_per_second() -> None:
    async with (
        Simulator(Script.model_validate({"per_second": 2}), speed=0.001) as sim,
        sdk(sim) as client,
    ):
        await client.create()
        await client.create()
        with pytest.raises(TwilioRestException) as refusal:
            await client.create()
        assert (refusal.value.status, refusal.value.code) == (429, 20429)
