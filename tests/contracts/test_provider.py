"""What every provider owes dispatch, whoever it is: run over real sockets against each platform
in `platforms.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from services.providers import Provider
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall
from tests.adapters.servers import full_house, nobody_listens
from tests.contracts.platforms import PLATFORMS, Deed, ListDeed, Platform

TO, OTHER = "+14155550100", "+14155550101"
IN_DOUBT = [
    Deed.ERROR,
    Deed.UNAVAILABLE,
    Deed.UNAVAILABLE_BUT_TAKEN,
    Deed.RESET_UNREAD,
    Deed.RESET,
    Deed.RESET_BUT_TAKEN,
    Deed.SILENCE,
    Deed.SILENCE_BUT_TAKEN,
    Deed.TOO_LATE,
    Deed.HALF,
    Deed.NO_ID,
]
TAKEN = {
    Deed.UNAVAILABLE_BUT_TAKEN,
    Deed.RESET_BUT_TAKEN,
    Deed.SILENCE_BUT_TAKEN,
    Deed.TOO_LATE,
    Deed.HALF,
    Deed.NO_ID,
}
CODES = [(platform, code) for platform in PLATFORMS for code in platform.final]
WAITING = [(platform, code) for platform in PLATFORMS for code in platform.waiting]


@pytest.fixture(params=PLATFORMS, ids=lambda platform: platform.name)
def platform(request: pytest.FixtureRequest) -> Platform:
    chosen: Platform = request.param
    return chosen


def post(
    platform: Platform,
    to: str = TO,
    body: str = "Your table is ready",
    sender: int = 0,
    **more: object,
) -> SendCall:
    known = {"tenant": "acme", "message_id": "m-1", "attempt": 1, **more}
    return SendCall(to=to, body=body, sender=platform.senders[sender], **known)  # type: ignore[arg-type]


def look(platform: Platform, to: str = TO, ago: timedelta = timedelta(0)) -> Lookup:
    """For what was made within five minutes of `ago`."""
    around, wide = datetime.now(UTC) - ago, timedelta(minutes=5)
    return Lookup("acme", "m-1", 1, platform.senders[0], to, around - wide, around + wide, 2)


@asynccontextmanager
async def client(platform: Platform, url: str) -> AsyncIterator[Provider]:
    provider = platform.client(url)
    try:
        yield provider
    finally:
        await provider.close()


async def test_taken(platform: Platform) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        answer = await provider.send(
            post(platform, message_id="order:77", attempt=3, body="ünïcode 🎉 a+b&c")
        )
        [text] = stage.texts
        assert (answer.tenant, answer.message_id, answer.attempt) == ("acme", "order:77", 3)
        assert (answer.sender, answer.result) == (platform.senders[0], Result.ACCEPTED)
        assert answer.provider_id == text.id
        assert text == (
            text.id,
            TO,
            platform.senders[0],
            "ünïcode 🎉 a+b&c",
            ("acme", "order:77", 3),
        )


async def test_taken_after_a_while(platform: Platform) -> None:
    async with platform.stage(Deed.TAKE_SLOWLY) as stage, client(platform, stage.url) as provider:
        assert (await provider.send(post(platform))).result is Result.ACCEPTED


@pytest.mark.parametrize(("platform", "code"), CODES, ids=lambda one: getattr(one, "name", one))
async def test_refused_for_good(platform: Platform, code: str) -> None:
    """A code that nobody knows, too: a text is not tried for ever."""
    async with platform.stage(refuse=code) as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform))
        assert (answer.result, answer.code, stage.texts) == (Result.REFUSED, code, [])


@pytest.mark.parametrize(("platform", "code"), WAITING, ids=lambda one: getattr(one, "name", one))
async def test_refused_for_now(platform: Platform, code: str) -> None:
    """A full queue, a suspended account: it says nothing of the text."""
    async with platform.stage(refuse=code) as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform))
        assert (answer.result, answer.code, stage.texts) == (Result.LIMITED, code, [])


@pytest.mark.parametrize(("deed", "seconds"), [(Deed.LIMIT, 7.0), (Deed.LIMIT_WITHOUT_TIME, None)])
async def test_too_many(platform: Platform, deed: Deed, seconds: float | None) -> None:
    async with platform.stage(deed) as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform))
        assert (answer.result, answer.retry_after, stage.texts) == (Result.LIMITED, seconds, [])


@pytest.mark.parametrize("deed", IN_DOUBT)
async def test_in_doubt_and_tried_once(platform: Platform, deed: Deed) -> None:
    async with platform.stage(deed) as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform))
        assert (answer.result, answer.provider_id) == (Result.IN_DOUBT, None)
        assert answer.detail
        assert len(stage.texts) == (deed in TAKEN)
        assert stage.calls == 1


async def test_known_not_to_have_left(platform: Platform) -> None:
    async with client(platform, nobody_listens()) as provider:
        assert (await provider.send(post(platform))).result is Result.UNSENT
    async with full_house() as url, client(platform, url) as provider:
        assert (await provider.send(post(platform))).result is Result.UNSENT


async def test_nothing_leaves_when_the_lease_is_over(platform: Platform) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform), lambda: False)
        assert (answer.result, answer.code, stage.calls) == (Result.UNSENT, "lease_over", 0)


async def test_cancellation_goes_through(platform: Platform) -> None:
    async with platform.stage(Deed.SILENCE) as stage, client(platform, stage.url) as provider:
        stage.list_by(ListDeed.SILENCE)
        calls = [
            asyncio.create_task(provider.send(post(platform))),
            asyncio.create_task(provider.look_up(look(platform))),
        ]
        await asyncio.sleep(0.1)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in ended] == [asyncio.CancelledError] * 2


async def test_calls_that_overlap_get_their_own_answers(platform: Platform) -> None:
    """On a machine with much else to do some run into their time-out, and have no answer at all."""
    numbers = [f"+1415555{n:04d}" for n in range(100)]
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        answers = await asyncio.gather(
            *(provider.send(post(platform, to, message_id=to[1:])) for to in numbers)
        )
        whose = {text.id: text.number for text in stage.texts}
        told = {
            to: answer.provider_id
            for to, answer in zip(numbers, answers, strict=True)
            if answer.provider_id
        }
        assert len(told) > 1
        assert {to: whose[name] for to, name in told.items()} == {to: to for to in told}


async def test_closed_and_opened_again(platform: Platform) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        await provider.close()
        for attempt in (1, 2):
            assert (await provider.send(post(platform, attempt=attempt))).result is Result.ACCEPTED
            await provider.close()
        assert len(await entries(provider, look(platform))) == 2


@pytest.mark.parametrize("deed", list(Deed))
async def test_no_number_and_no_text_in_what_is_told(
    platform: Platform, deed: Deed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with platform.stage(deed) as stage, client(platform, stage.url) as provider:
        answer = await provider.send(post(platform, body="the secret word is marmalade"))
        stage.list_by(list(ListDeed)[len(deed) % len(ListDeed)])
        seen = await provider.look_up(look(platform))
    told = caplog.text + answer.model_dump_json() + seen.model_dump_json() + repr(vars(provider))
    assert "5550100" not in told
    assert "marmalade" not in told


async def entries(provider: Provider, wanted: Lookup) -> list[str]:
    """The ids of what is listed."""
    seen = await provider.look_up(wanted)
    assert seen.entries is not None, seen.detail
    return [entry.provider_id for entry in seen.entries]


async def test_the_list_has_what_was_taken_whoever_was_told(platform: Platform) -> None:
    """Also from another of our senders: the platform may have changed it."""
    async with platform.stage(Deed.HALF) as stage, client(platform, stage.url) as provider:
        for sender in (0, 1):
            assert (await provider.send(post(platform, sender=sender))).result is Result.IN_DOUBT
        await provider.send(post(platform, OTHER))
        mine, also, _ = stage.texts
        seen = await provider.look_up(look(platform))
        assert (seen.tenant, seen.message_id, seen.attempt, seen.round) == ("acme", "m-1", 1, 2)
        assert seen.entries is not None
        assert {(one.provider_id, one.sender) for one in seen.entries} == {
            (mine.id, platform.senders[0]),
            (also.id, platform.senders[1]),
        }
        assert {(one.body, one.num_segments, one.error_code) for one in seen.entries} == {
            (mine.body, 1, None)
        }


async def test_the_list_is_of_its_window(platform: Platform) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        await provider.send(post(platform))
        assert len(await entries(provider, look(platform, ago=timedelta(minutes=4)))) == 1
        assert await entries(provider, look(platform, ago=timedelta(minutes=6))) == []
        assert await entries(provider, look(platform, ago=-timedelta(minutes=6))) == []


async def test_nothing_listed_is_not_the_same_as_no_list(platform: Platform) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        assert await provider.look_up(look(platform)) == LookupResult(
            tenant="acme",
            message_id="m-1",
            attempt=1,
            sender=platform.senders[0],
            round=2,
            entries=(),
        )


async def test_every_page_is_read(platform: Platform) -> None:
    async with platform.stage(page=2) as stage, client(platform, stage.url) as provider:
        for attempt in range(1, 8):
            await provider.send(post(platform, attempt=attempt))
        assert sorted(await entries(provider, look(platform))) == sorted(
            text.id for text in stage.texts
        )


@pytest.mark.parametrize("deed", list(ListDeed))
async def test_a_list_that_cannot_be_had(platform: Platform, deed: ListDeed) -> None:
    async with platform.stage() as stage, client(platform, stage.url) as provider:
        await provider.send(post(platform))
        stage.list_by(deed)
        seen = await provider.look_up(look(platform))
        assert seen.entries is None
        assert seen.detail


async def test_no_list_where_nobody_listens(platform: Platform) -> None:
    async with client(platform, nobody_listens()) as provider:
        seen = await provider.look_up(look(platform))
        assert (seen.entries, bool(seen.detail)) == (None, True)
