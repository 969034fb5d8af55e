"""Twilio's list, where it is not what it should be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from streams.dispatch.provider_calls import Lookup
from tests.adapters.calls import twilio
from tests.adapters.servers import server

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
LOOK = Lookup(
    "acme",
    "m-1",
    1,
    "24365",
    "+14155550100",
    NOW - timedelta(minutes=5),
    NOW + timedelta(minutes=5),
    1,
)
NEXT = "/2010-04-01/Accounts/AC/Messages.json?PageToken=PASM1"


def listed(sid: str = "SM1", **other: Any) -> dict[str, Any]:
    made = format_datetime(NOW.replace(microsecond=0), usegmt=True)
    return {
        "sid": sid,
        "date_created": made,
        "body": "hello",
        "status": "sent",
        "direction": "outbound-api",
        "num_segments": "1",
        "from": "24365",
        **other,
    }


def page(*messages: dict[str, Any], following: str | None = None) -> str:
    return json.dumps(
        {"messages": messages, "next_page_uri": following, "page": 0, "page_size": 1000}
    )


async def look_at(*answers: tuple[int, str]) -> Any:
    """One answer after the other, the last one for ever."""
    asked = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        status, text = answers[min(asked, len(answers)) - 1]
        return web.Response(status=status, text=text)

    async with server(answer) as url, twilio(url) as client:
        return await client.look_up(LOOK)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        pytest.param(
            [(200, page(listed(), following=NEXT)), (500, "oops")],
            "no list: HTTP 500",
            id="the second page",
        ),
        pytest.param(
            [(200, page(listed(), following=NEXT)), (200, "<html>")],
            "the list could not",
            id="no JSON",
        ),
        pytest.param([(200, page(listed(), following=NEXT))], "longer than 20,000", id="no end"),
        pytest.param([(200, page(listed(date_created=None)))], "no time of creation", id="no time"),
        pytest.param(
            [(200, page(listed(date_created="soon")))],
            "no time of creation",
            id="a time that is none",
        ),
        pytest.param([(200, page(listed(sid=None)))], "no sid", id="no sid"),
        pytest.param([(200, "[]")], "the list could not", id="a list"),
        pytest.param([(200, "{}")], "the list could not", id="nothing"),
        pytest.param([(200, '{"messages": null}')], "the list could not", id="null"),
        pytest.param([(200, '{"messages": [7]}')], "the list could not", id="a number"),
        pytest.param([(401, '{"code": 20003, "message": "x"}')], "no list: HTTP 401", id="401"),
        pytest.param([(429, '{"code": 20429, "message": "x"}')], "no list: HTTP 429", id="429"),
    ],
)
async def test_half_a_list_is_no_list(answers: list[tuple[int, str]], says: str) -> None:
    seen = await look_at(*answers)
    assert seen.entries is None
    assert says in seen.detail


async def test_what_is_read_of_an_entry() -> None:
    service = listed(
        "SM1", messaging_service_sid="MG1", **{"from": None}, num_segments="0", status="accepted"
    )
    waiting = listed("SM4", num_segments="0")
    failed = listed("SM2", error_code=30003, status="undelivered", num_segments=None)
    theirs = listed("SM3", direction="inbound")
    twice = listed("SM1", messaging_service_sid="MG1", status="sent")
    seen = await look_at(
        (200, page(service, failed, theirs, waiting, following=NEXT)), (200, page(twice))
    )
    assert [
        (one.provider_id, one.sender, one.num_segments, one.status, one.error_code)
        for one in seen.entries
    ] == [
        ("SM1", "MG1", 1, "sent", None),
        ("SM2", "24365", None, "undelivered", "30003"),
        ("SM4", "24365", None, "sent", None),
    ]
    assert {one.created_at for one in seen.entries} == {NOW.replace(microsecond=0)}


async def test_both_ends_of_the_window_belong_to_it() -> None:
    ends = [format_datetime(end, usegmt=True) for end in (LOOK.not_before, LOOK.not_after)]
    outside = [
        format_datetime(end, usegmt=True)
        for end in (LOOK.not_before - timedelta(seconds=2), LOOK.not_after + timedelta(seconds=1))
    ]
    made = [listed(f"SM{place}", date_created=at) for place, at in enumerate([*ends, *outside])]
    seen = await look_at((200, page(*made)))
    assert [one.provider_id for one in seen.entries] == ["SM0", "SM1"]
