"""When a call is tried again: by the rules alone, and against a server that fails."""

from __future__ import annotations

import pickle
import socket
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx2
import orjson
import pytest

from services.client import (
    ApiError,
    AsyncClient,
    Client,
    NoAnswer,
    Retries,
    SaysoError,
    SendText,
    UnknownAnswer,
)
from services.client.calls.texts import send
from services.client.exchange import Answer, Done, Exchange, Lost, Wait, read_retry_after
from services.console.api.problems import TYPES, ProblemType
from tests.client.faulty_server import Fault, fail
from tests.console.api.world import World, world_on

TEXT = SendText(to="+12125550123", body="See you on Tuesday at 9.")
KEY = "sayso_0123456789ab_" + "k" * 43
QUICK = Retries(first_pause=0.01)
FAULTS = {
    "503 twice": (Fault.UNAVAILABLE, Fault.UNAVAILABLE),
    "a proxy without a server": (Fault.GATEWAY,),
    "the connection breaks after the call was taken": (Fault.DROP, Fault.DROP),
    "no answer in time": (Fault.SILENCE,),
    "all of it": (Fault.UNAVAILABLE, Fault.DROP, Fault.SILENCE, Fault.GATEWAY),
}


def refuse(kind: ProblemType, *, status: int = 0, retry_after: str = "") -> Answer:
    told = {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": "d"}
    headers = {"retry-after": retry_after} if retry_after else {}
    return Answer(status or kind.status, headers, orjson.dumps(told))


def kind_of(name: str) -> ProblemType:
    return next(kind for kind in TYPES if kind.name == name)


def begin(retries: Retries | None = None, chance: float = 0.0) -> Exchange[Any]:
    return Exchange(send(TEXT, None), retries or Retries(), 0.0, lambda: chance)


@pytest.mark.parametrize("name", ["rate-limited", "unavailable"])
def test_it_waits_as_long_as_the_server_says(name: str) -> None:
    answer = refuse(kind_of(name), retry_after="7")
    assert begin().judge(answer, 0) == Wait(7)
    assert begin(chance=1).judge(answer, 0) == Wait(7 * 1.25), "not all at once"


def test_without_it_pauses_grow_and_vary() -> None:
    for chance, first in ((0.0, 0.25), (1.0, 0.5)):
        exchange = begin(Retries(tries=9, deadline=1000), chance)
        pauses = [exchange.judge(Lost("ReadError"), 0) for _ in range(8)]
        waits = [one.seconds for one in pauses if isinstance(one, Wait)]
        assert waits[0] == first
        assert all(before <= after for before, after in pairwise(waits))
        assert waits[-1] == 20 * (0.5 + chance / 2)
        with pytest.raises(NoAnswer) as lost:
            exchange.judge(Lost("ReadError"), 0)
        assert (lost.value.what, lost.value.tries) == ("ReadError", 9)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_only_what_may_pass_is_tried_again(kind: ProblemType) -> None:
    exchange = begin()
    if kind.name in ("rate-limited", "unavailable", "still-under-way"):
        assert isinstance(exchange.judge(refuse(kind), 0), Wait)
        return
    with pytest.raises(ApiError) as refused:
        exchange.judge(refuse(kind), 0)
    assert (refused.value.status, refused.value.type) == (kind.status, kind.uri)


def test_a_conflict_that_stays_is_not_tried_again() -> None:
    """The older route of consents says so by 409."""
    with pytest.raises(ApiError):
        begin().judge(refuse(kind_of("identity-reused"), status=409), 0)


def test_what_is_under_way_is_awaited_until_the_deadline() -> None:
    exchange = begin(Retries(tries=2, deadline=10))
    answer = refuse(kind_of("still-under-way"), retry_after="1")
    assert [exchange.judge(answer, now) for now in range(9)] == [Wait(1)] * 9
    with pytest.raises(ApiError):
        exchange.judge(answer, 9.5)
    assert isinstance(exchange.judge(Answer(202, {}, b'{"message_id": "m"}'), 10), Done)


def test_no_wait_goes_beyond_the_deadline() -> None:
    answer = refuse(kind_of("rate-limited"), retry_after="61")
    with pytest.raises(ApiError) as refused:
        begin().judge(answer, 0)
    assert refused.value.retry_after == 61


def test_a_date_says_how_long_as_well() -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert read_retry_after("Mon, 02 Mar 2026 09:00:30 GMT", now) == 30
    assert read_retry_after("Mon, 02 Mar 2026 08:00:00 GMT", now) == 0
    assert [read_retry_after(one, now) for one in ("soon", "-1", "", "1.5", "٣")] == [None] * 5


@pytest.mark.parametrize("status", [200, 302, 404])
def test_another_server_is_told_apart(status: int) -> None:
    with pytest.raises(UnknownAnswer):
        begin().judge(Answer(status, {"location": "http://elsewhere"}, b"<html>Hello</html>"), 0)


def test_a_next_page_elsewhere_does_not_get_the_key() -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json={"items": [], "next": "@elsewhere.example/v1/messages"})

    client = Client("http://here", KEY, transport=httpx2.MockTransport(answer))
    with pytest.raises(UnknownAnswer):
        list(client.messages())
    assert asked == ["http://here/v1/messages"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_on(tmp_path_factory.mktemp("world")) as found:
        yield found


def requests_in(world: World, message_id: str) -> int:
    return [getattr(one, "message_id", "") for _, one in world.harness.kafka.published].count(
        message_id
    )


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_whatever_fails_it_is_one_text(world: World, faults: tuple[Fault, ...]) -> None:
    with (
        fail(world.url, *faults) as server,
        Client(server.url, world.key, retries=QUICK, timeout=1) as client,
    ):
        accepted = client.send(TEXT)
        assert server.identities == [accepted.message_id] * (len(faults) + 1)
    assert requests_in(world, accepted.message_id) == 1


async def test_it_is_one_text_with_asyncio_as_well(world: World) -> None:
    with fail(world.url, *FAULTS["all of it"]) as server:
        async with AsyncClient(server.url, world.key, retries=QUICK, timeout=1) as client:
            accepted = await client.send(TEXT)
    assert requests_in(world, accepted.message_id) == 1


def test_a_batch_that_was_cut_off_is_sent_once(world: World) -> None:
    with (
        fail(world.url, Fault.DROP) as server,
        Client(server.url, world.key, retries=QUICK) as client,
    ):
        results = client.send_batch([TEXT, TEXT])
        assert len(server.identities) == 2
    assert [requests_in(world, one.message_id) for one in results] == [1, 1]


@pytest.mark.parametrize("answers", [True, False])
def test_the_key_is_in_no_repr_and_no_error(answers: bool) -> None:
    """Nor in what error trackers collect: the chain of errors, and the locals of each frame."""
    told = refuse(kind_of("unauthorized"))
    transport = httpx2.MockTransport(lambda _: httpx2.Response(401, content=told.body))
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and does not listen
        client = Client(
            f"http://127.0.0.1:{reserved.getsockname()[1]}",
            KEY,
            retries=Retries(tries=2, first_pause=0),
            transport=transport if answers else None,
        )
        with pytest.raises(SaysoError) as failed:
            client.send(TEXT)
    found: BaseException | None = failed.value
    seen = [f"{client} {client!r} {vars(client)}"]
    while found is not None:
        frames = traceback.TracebackException.from_exception(found, capture_locals=True)
        seen += [str(found), repr(found), repr(vars(found)), *frames.format()]
        found = found.__cause__ or found.__context__
    assert "_run" in "".join(seen)
    assert KEY not in "".join(seen)
    with pytest.raises(TypeError):
        pickle.dumps(client)
    client.close()


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://here", f"{KEY}\n"),
        ("http://here", f"Bearer {KEY}"),
        ("http://here", ""),
        ("here", KEY),
        (f"http://user:{KEY}@here", KEY),
        ("http://here?a=b", KEY),
    ],
)
def test_what_is_no_address_or_key_is_refused_at_once(url: str, key: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the words are for people
        Client(url, key)
    assert KEY not in str(refused.value)
