"""Projectors on PostgreSQL read real topics together, and consoles show what they write."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from schemas import topics
from services.console.api.keys import ApiKeys
from services.console.api.scopes import Scope
from services.ledger import Ledger
from services.ledger.usage import count_by_verdict, count_requested
from tests.adapters.consoles import (
    BOX,
    catch_up,
    make_link,
    open_stream,
    projector,
    read_page,
    start_consoles,
    tell,
    until_shown,
)
from tests.adapters.test_ledger import decision, publish, request
from tests.adapters.waiting import until
from tests.console.api.serving import ACME
from tests.console.harness import console_on
from tests.postgres_server import new_location, write_url

PAGES = (BOX, "/t/acme/messages/m1", "/t/acme/inbox", "/t/acme/people", "/t/acme/usage")
LISTS = ("/v1/messages", "/v1/people", "/v1/threads", "/v1/usage")
TEXT = {"message_id": "crm-1", "to": "+12125550123", "body": "Tuesday at 9."}


async def test_two_share_the_topics_and_one_takes_over_from_the_other(
    fresh_cluster: str, postgres: str
) -> None:
    location = new_location(postgres)
    ledgers = [Ledger.open(location) for _ in range(2)]
    command = Ledger.open(location)
    stops = [asyncio.Event() for _ in ledgers]
    for one in ledgers:
        one.join()
    following = [
        asyncio.create_task(one.follow(fresh_cluster, stop))
        for one, stop in zip(ledgers, stops, strict=True)
    ]
    asked = [(topics.SEND_REQUESTS, request(at)) for at in range(300)]
    await publish(fresh_cluster, *asked, *((topics.DECISIONS, decision(at)) for at in range(300)))
    assert (await command.catch_up(fresh_cluster)).records == 0  # it waits for those who follow
    assert (count_requested(command), count_by_verdict(command)) == (300, {"reject": 300})
    stops[0].set()
    first = await following[0]
    ledgers[0].close()
    await publish(fresh_cluster, *((topics.SEND_REQUESTS, request(at)) for at in range(300, 400)))
    await command.catch_up(fresh_cluster)
    assert count_requested(command) == 400
    stops[1].set()
    second = await following[1]
    assert first.records + second.records == 700
    assert first.records > 0
    assert second.rebuilt is None
    ledgers[1].close()
    command.close()


async def test_two_consoles_show_what_a_projector_writes(
    fresh_cluster: str, postgres: str, tmp_path: Path
) -> None:
    location = new_location(postgres)
    state = tmp_path / "state"
    async with projector(fresh_cluster, location) as ledger, AsyncExitStack() as stack:
        both = await start_consoles(stack, fresh_cluster, location, state)
        await publish(fresh_cluster, (topics.SETTINGS, ACME), *tell("m0"))
        # Who signs in at one has signed in at the other: they share the state folder.
        signed_in = await both[0].post("/sign-in/link", data={"token": make_link(state)})
        cookie = signed_in.headers["set-cookie"].partition(";")[0]
        for one in both:
            one.headers["cookie"] = cookie
            await until_shown(one, "m0")
        heard = [await stack.enter_async_context(open_stream(one)) for one in both]
        await publish(fresh_cluster, *tell("m1"))
        await until(lambda: all("message:m1" in names for names in heard))
        await catch_up(fresh_cluster, location)
        for path in PAGES:
            pages = [await read_page(one, path) for one in both]
            assert pages[0] == pages[1]
        assert "m1" in await read_page(both[0], BOX)
        # A call that is repeated at the other console is the same call.
        key = ApiKeys(state).add("acme", "", datetime.now(UTC), scopes=tuple(Scope)).written
        api = {"authorization": f"Bearer {key}"}
        asked = [await one.post("/v1/send-requests", json=TEXT, headers=api) for one in both]
        assert [answer.status_code for answer in asked] == [202, 202]
        await catch_up(fresh_cluster, location)
        found = ledger.rows("SELECT count(*) AS n FROM requests WHERE message_id = 'crm-1'")
        assert found[0]["n"] == 1
        for path in LISTS:
            answers = [await one.get(path, headers=api) for one in both]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert answers[0].json() == answers[1].json()
        # One that has a state folder of its own knows neither the session nor the key.
        with console_on(tmp_path / "other", ledger_url=write_url(location)) as other:
            stranger = other.anonymous()
            answer = stranger.get(BOX, headers={"cookie": cookie}, follow_redirects=False)
            assert answer.headers["location"].startswith("/sign-in?")
            assert stranger.get("/v1/messages", headers=api).status_code == 401
        await both[1].post("/sign-out")
        for one in both:
            assert (await one.get(BOX)).headers["location"].startswith("/sign-in?")
