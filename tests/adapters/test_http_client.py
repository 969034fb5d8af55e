"""The client under the provider's SDK, against servers that speak HTTP well, badly and not at
all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.http_client import (
    ConnectionClosed,
    HttpClient,
    HttpError,
    IncompleteResponse,
    InvalidUrl,
    MalformedResponse,
    ResponseTooLarge,
    encode_headers,
)
from tests.adapters.peers import Peer, Play, Server, answering, ok, peers
from tests.adapters.servers import nobody_listens
from tests.adapters.waiting import until

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def http(connections: int = 4, **settings: Any) -> AsyncIterator[HttpClient]:
    client = HttpClient(connections, **settings)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def both(
    play: Play, connections: int = 4, **settings: Any
) -> AsyncIterator[tuple[Server, HttpClient]]:
    async with peers(play) as server, http(connections, **settings) as client, asyncio.timeout(10):
        yield server, client


class Departure:
    """`before_write` of one call."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


async def test_what_is_written() -> None:
    async with both(answering(ok())) as (server, client):
        headers = encode_headers({"Accept": "text/plain"})
        await client.request("POST", server.url + "/a/b?c=%2B1", headers, "ü".encode())
        await client.request("GET", server.url + "?x=1#part")
        await client.request("POST", server.url)
        await client.request("GET", server.url + "/ö a\r\nb?<")
        host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
        assert server.requests == [
            b"POST /a/b?c=%2B1 HTTP/1.1\r\n"
            + host
            + b"Accept: text/plain\r\nContent-Length: 2\r\n\r\n\xc3\xbc",
            b"GET /?x=1 HTTP/1.1\r\n" + host + b"\r\n",
            b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 0\r\n\r\n",
            b"GET /%C3%B6%20ab?%3C HTTP/1.1\r\n" + host + b"\r\n",
        ]
        assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("answer", "status", "body", "kept"),
    [
        pytest.param(ok(b"hello"), 200, b"hello", True, id="a length"),
        pytest.param(ok(b""), 200, b"", True, id="no body"),
        pytest.param(ok(b"x" * 300_000), 200, b"x" * 300_000, True, id="a long body"),
        pytest.param(
            ok(b"hello", b"Connection: close\r\n"), 200, b"hello", False, id="closes afterwards"
        ),
        pytest.param(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", 200, b"hello", True, id="chunks"),
        pytest.param(
            CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nStatus: 500\r\n\r\n",
            200,
            b"hello",
            True,
            id="trailers",
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello", False, id="1.0"),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            200,
            b"hi",
            False,
            id="1.0 with a length",
        ),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
            200,
            b"hi",
            True,
            id="1.0 kept",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhello", 200, b"hello", False, id="until it closes"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True, id="204"),
        pytest.param(
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", True, id="304"
        ),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            302,
            b"",
            True,
            id="302",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + ok(),
            200,
            b"hello",
            True,
            id="informational first",
        ),
        pytest.param(
            b"HTTP/1.1 201\r\nContent-Length: 2\r\n\r\nhi", 201, b"hi", True, id="no reason"
        ),
    ],
)
@pytest.mark.parametrize("slowly", [False, True], ids=["at once", "byte by byte"])
async def test_whole_answers(
    answer: bytes, status: int, body: bytes, kept: bool, slowly: bool
) -> None:
    """Byte by byte only the end of a long one."""

    async def play(peer: Peer) -> None:
        while True:
            await peer.request()
            at_once = (
                len(answer) - 500 if slowly and len(answer) > 500 else 0 if slowly else len(answer)
            )
            peer.say(answer[:at_once])
            await peer.spell(answer[at_once:])
            if not kept and b"lose" not in answer:
                return

    async with both(play) as (server, client):
        for _ in range(2):
            response = await client.request("POST", server.url)
            assert (response.status, response.body) == (status, body)
            assert b"status" not in response.headers
            assert b"x" not in response.headers
        assert len(server.peers) == (1 if kept else 2)


@pytest.mark.parametrize("ends", ["closes", "resets"])
@pytest.mark.parametrize(
    ("answer", "closed", "reset"),
    [
        pytest.param(b"", ConnectionClosed, ConnectionResetError, id="nothing"),
        pytest.param(b"HTTP/1.1 20", IncompleteResponse, IncompleteResponse, id="half a line"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Le",
            IncompleteResponse,
            IncompleteResponse,
            id="half a head",
        ),
        pytest.param(ok()[:-1], IncompleteResponse, IncompleteResponse, id="half a body"),
        pytest.param(
            ok(more=b"Connection: close\r\n")[:-1],
            IncompleteResponse,
            IncompleteResponse,
            id="half of the last body",
        ),
        pytest.param(
            CHUNKED + b"5\r\nhel", IncompleteResponse, IncompleteResponse, id="half a chunk"
        ),
        pytest.param(
            CHUNKED + b"5\r\nhello\r\n", IncompleteResponse, IncompleteResponse, id="no last chunk"
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n",
            IncompleteResponse,
            IncompleteResponse,
            id="only an informational one",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhel", None, IncompleteResponse, id="until it closes"),
    ],
)
async def test_answers_that_end_early(
    answer: bytes, closed: type[Exception] | None, reset: type[Exception], ends: str
) -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(answer)
        await asyncio.sleep(0.02)
        if ends == "resets":
            peer.reset()

    wanted = reset if ends == "resets" else closed
    async with both(play) as (server, client):
        departure = Departure()
        if wanted is None:
            assert (await client.request("POST", server.url, before_write=departure)).body == b"hel"
        else:
            with pytest.raises(wanted):
                await client.request("POST", server.url, before_write=departure)
        assert (len(server.requests), departure.times) == (1, 1), (
            "written once, whatever came of it"
        )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", MalformedResponse, id="not HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", MalformedResponse, id="a request"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", MalformedResponse, id="no such version"),
        pytest.param(b"HTTP/1.1 2x0 OK\r\n\r\n", MalformedResponse, id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", MalformedResponse, id="a bad header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            MalformedResponse,
            id="two lengths",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            MalformedResponse,
            id="a length and chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            MalformedResponse,
            id="a negative length",
        ),
        pytest.param(CHUNKED + b"zz\r\n", MalformedResponse, id="a bad chunk"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            MalformedResponse,
            id="101",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000, ResponseTooLarge, id="a long header"
        ),
        pytest.param(
            b"HTTP/1.1 103 Hints\r\n\r\n" * 4_000, ResponseTooLarge, id="informational for ever"
        ),
        pytest.param(ok(b"x" * 200_000), ResponseTooLarge, id="a long body"),
        pytest.param(CHUNKED + b"1\r\nx\r\n" * 40_000, ResponseTooLarge, id="chunks for ever"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000, ResponseTooLarge, id="a body for ever"
        ),
        pytest.param(
            CHUNKED + b"0\r\n" + b"A: b\r\n" * 40_000, ResponseTooLarge, id="trailers for ever"
        ),
    ],
)
async def test_answers_that_are_none(answer: bytes, error: type[HttpError]) -> None:
    """The server would go on for ever: it is the client that ends it."""

    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(answer)
        await peer.request()

    async with both(play, max_response=100_000) as (server, client):
        with pytest.raises(error):
            await client.request("POST", server.url)
        with pytest.raises(error):
            await client.request("POST", server.url)
        assert (len(server.requests), len(server.peers)) == (2, 2)


async def test_a_response_may_be_as_large_as_that() -> None:
    async with both(answering(ok(b"x" * 99_000)), max_response=100_000) as (server, client):
        assert len((await client.request("GET", server.url)).body) == 99_000


async def test_a_refused_connection_departs_nowhere() -> None:
    async with http() as client:
        departure = Departure()
        with pytest.raises(ConnectionRefusedError):
            await client.request("POST", nobody_listens(), before_write=departure)
        assert departure.times == 0


async def test_a_server_that_speaks_first_is_no_http_server() -> None:
    async def play(peer: Peer) -> None:
        peer.say(b"220 mail.example.com ESMTP\r\n")
        await peer.request()

    async with both(play) as (server, client):
        with pytest.raises(HttpError):
            await client.request("POST", server.url)


async def test_what_before_write_raises_keeps_the_request_back() -> None:
    class NotNow(Exception):
        pass

    def not_now() -> None:
        raise NotNow

    async with both(answering(ok())) as (server, client):
        for _ in range(6):  # more than there are connections: each gives its place back
            with pytest.raises(NotNow):
                await client.request("POST", server.url, before_write=not_now)
        await asyncio.sleep(0.02)
        assert server.requests == []
        assert (await client.request("POST", server.url)).status == 200


async def test_both_hooks_are_called_around_the_write() -> None:
    called: list[str] = []
    async with both(answering(ok())) as (server, client):
        await client.request(
            "POST",
            server.url,
            before_write=lambda: called.append("before"),
            after_write=lambda: called.append("after"),
        )
    assert called == ["before", "after"]


async def test_a_connection_that_idles_is_closed() -> None:
    """One that is used stays open; a request after the end of all opens a new one."""
    async with both(answering(ok()), idle_timeout=0.5) as (server, client):
        await asyncio.gather(*(client.request("GET", server.url) for _ in range(3)))
        assert (len(server.peers), server.ended) == (3, 0)
        while server.ended < 2:
            await client.request("GET", server.url)
            await asyncio.sleep(0.02)
        used = time.monotonic()
        await client.request("GET", server.url)
        assert (len(server.peers), server.ended) == (3, 2)
        await until(lambda: server.ended == 3)
        assert time.monotonic() - used >= 0.5
        await client.request("GET", server.url)
        assert len(server.peers) == 4


async def test_a_connection_known_to_be_closed_is_replaced() -> None:
    """Its end came before the write: nothing has departed on it."""

    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(ok())

    async with both(play) as (server, client):
        for place in range(3):
            departure = Departure()
            assert (await client.request("POST", server.url, before_write=departure)).status == 200
            assert (departure.times, len(server.peers)) == (1, place + 1)
            await asyncio.sleep(0.02)


async def test_a_request_that_may_have_left_is_not_repeated() -> None:
    """The connection was closed, but nobody here had noticed when it was used again."""

    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(ok())
        await peer.request()

    async with both(play) as (server, client):
        for method in ("POST", "GET"):
            await client.request(method, server.url)
            departure = Departure()
            server.peers[-1].shut()
            with pytest.raises((ConnectionClosed, OSError)):
                await client.request(method, server.url, before_write=departure)
            assert departure.times == 1
        assert [asked[:4] for asked in server.requests] == [b"POST", b"GET "]


async def test_an_unrequested_response_answers_no_request() -> None:
    """A second answer to one request, at once or later; a server that gives up an idle
    connection says 408."""
    extra = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"

    for later in (False, True):

        async def play(peer: Peer, later: bool = later) -> None:
            asked = await peer.request()
            peer.say(ok(asked.partition(b"\r\n\r\n")[2]) + (b"" if later else extra))
            await asyncio.sleep(0.02)
            peer.say(extra)
            await peer.request()

        async with both(play) as (server, client):
            for body in (b"one", b"two"):
                response = await client.request("POST", server.url, body=body)
                assert (response.status, response.body) == (200, body)
                await asyncio.sleep(0.05)
            assert len(server.peers) == 2


async def test_a_late_response_never_answers_another_request() -> None:
    slowly, answered = True, asyncio.Event()

    async def play(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            if slowly:
                await asyncio.sleep(0.1)
            peer.say(ok(asked.partition(b"\r\n\r\n")[2]))
            answered.set()

    async with both(play, connections=1) as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.request("POST", server.url, body=b"first")
        slowly = False
        assert (await client.request("POST", server.url, body=b"second")).body == b"second"
        await answered.wait()
        await asyncio.sleep(0.1)
        assert (await client.request("POST", server.url, body=b"third")).body == b"third"
        assert len(server.peers) == 2


async def test_no_more_requests_at_once_than_connections() -> None:
    under_way, most = 0, 0

    async def play(peer: Peer) -> None:
        nonlocal under_way, most
        while True:
            asked = await peer.request()
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            peer.say(ok(asked.partition(b"\r\n\r\n")[2]))

    async with both(play, connections=3) as (server, client):
        bodies = [b"%d" % place for place in range(20)]
        told = await asyncio.gather(
            *(client.request("POST", server.url, body=body) for body in bodies)
        )
        assert [response.body for response in told] == bodies
        assert most == len(server.peers) == 3


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.02])
async def test_a_cancelled_request_gives_its_place_back(after: float) -> None:
    """While it waits for a place, while it connects, and while it waits for the answer."""

    async def play(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            await asyncio.sleep(0.03 if asked.endswith(b"first") else 0)
            peer.say(ok(asked.partition(b"\r\n\r\n")[2]))

    async with both(play, connections=2) as (server, client):
        first = [
            asyncio.create_task(client.request("POST", server.url, body=b"first")) for _ in range(5)
        ]
        await asyncio.sleep(after)
        for task in first:
            task.cancel()
        second = await asyncio.gather(
            *(client.request("POST", server.url, body=b"%d" % n) for n in range(9))
        )
        assert [response.body for response in second] == [b"%d" % n for n in range(9)]
        assert all(
            isinstance(one, asyncio.CancelledError)
            for one in await asyncio.gather(*first, return_exceptions=True)
        )


async def test_closed_under_a_request_and_used_again() -> None:
    silent = True

    async def play(peer: Peer) -> None:
        while True:
            await peer.request()
            if not silent:
                peer.say(ok())

    async with both(play) as (server, client):
        call = asyncio.create_task(client.request("POST", server.url))
        await asyncio.sleep(0.02)
        await client.close()
        with pytest.raises(ConnectionClosed):
            await call
        silent = False
        assert (await client.request("POST", server.url)).status == 200
        await client.close()
        await client.close()


async def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody_listens())
    async with both(answering(ok())) as (server, client):
        assert (await client.request("GET", server.url)).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "127.0.0.1:80",
        "ftp://host/",
        "http://",
        "http://host:port/",
        "http://me:secret@host/",
        "http://[::1/",
        "http://a..b/",
        f"http://{'a' * 64}.example.com/",
    ],
)
async def test_no_such_address(url: str) -> None:
    async with http() as client:
        with pytest.raises(InvalidUrl) as told:
            await client.request("GET", url)
        assert "secret" not in str(told.value)


def test_a_header_stays_in_its_line() -> None:
    assert encode_headers({"A": "b", "C": "d"}) == b"A: b\r\nC: d\r\n"
    for value in ("b\r\nC: d", "b\nC: d", "b\rC", "b\0"):
        with pytest.raises(ValueError, match="line break"):
            encode_headers({"A": value})
        with pytest.raises(ValueError, match="line break"):
            encode_headers({value: "A"})


async def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(ok())
        await peer.request()
        peer.reset()

    async with both(play) as (server, client):
        await client.request("POST", server.url, body=b"secret")
        with pytest.raises(ConnectionResetError):
            await client.request("POST", server.url, body=b"secret")
    assert [
        record
        for record in caplog.records
        if record.name != "asyncio" or record.levelno > logging.DEBUG
    ] == []
