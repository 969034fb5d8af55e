"""The client of the simulator's callbacks: what is no connection, what is cut off, and which connections stay."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from services.local.simulator.callbacks import Callbacks
from services.local.simulator.http_client import IDLE, CutOff, HttpClient, NoConnection
from services.local.simulator.journal import Journal
from tests.adapters.servers import full_house, nobody_listens

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
HANG = b""


class Peer:
    """Gives each request the next of `answers`, the last one again and again."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.url = ""
        self.connections = 0
        self.requests: list[bytes] = []
        self.served: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.served[asyncio.current_task()] = writer
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer.removesuffix(b"EOF"))
                if answer.endswith(b"EOF"):
                    return
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    listening = Peer(list(answers))
    server = await asyncio.start_server(listening.serve, "127.0.0.1", 0, ssl=tls)
    host = "localhost" if tls else "127.0.0.1"
    listening.url = f"http{'s' if tls else ''}://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield listening
    finally:
        server.close()
        for writer in listening.served.values():
            writer.close()
        await asyncio.gather(*filter(None, listening.served))


@asynccontextmanager
async def client(total: float = 5.0, connect: float = 5.0) -> AsyncIterator[HttpClient]:
    made = HttpClient("User-Agent: TwilioProxy/1.1\r\n", total, connect)
    try:
        yield made
    finally:
        await made.close()


async def test_what_is_sent() -> None:
    async with peer(NO_CONTENT) as there, client() as caller:
        assert await caller.post(there.url + "/twilio/status?a=1&b=%2B", "X: y\r\n", b"c=d") == 204
        [request] = there.requests
    first, *headers = request.decode().split("\r\n")
    assert first == "POST /twilio/status?a=1&b=%2B HTTP/1.1"
    assert {
        f"Host: {there.url[7:]}",
        "User-Agent: TwilioProxy/1.1",
        "X: y",
        "Content-Length: 3",
    } < set(headers)
    assert headers[-1] == "c=d"


async def test_one_connection_for_many_calls() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    sized = b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nabc"
    after_100 = b"HTTP/1.1 100 Continue\r\n\r\n" + sized
    async with peer(NO_CONTENT, chunked, sized, after_100) as there, client() as caller:
        statuses = [await caller.post(there.url, "", b"") for _ in range(4)]
        assert (statuses, there.connections) == ([204, 200, 503, 503], 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nabcEOF",
        b"HTTP/1.1 200 OK\r\n\r\nabcEOF",
    ],
)
async def test_a_connection_that_does_not_stay(answer: bytes) -> None:
    async with peer(answer) as there, client() as caller:
        assert [await caller.post(there.url, "", b"") for _ in range(2)] == [200, 200]
        assert there.connections == 2


async def test_a_connection_that_was_closed_meanwhile() -> None:
    async with peer(NO_CONTENT + b"EOF") as there, client() as caller:
        for _ in range(3):
            assert await caller.post(there.url, "", b"") == 204
            await asyncio.sleep(0.05)
        assert there.connections == 3


async def test_a_connection_unused_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with peer(NO_CONTENT) as there, client() as caller:
        await caller.post(there.url, "", b"")
        loop, now = asyncio.get_running_loop(), asyncio.get_running_loop().time
        monkeypatch.setattr(loop, "time", lambda: now() + IDLE + 1)
        await caller.post(there.url, "", b"")
        assert there.connections == 2


async def test_many_at_once() -> None:
    async with peer(NO_CONTENT) as there, client() as caller:
        statuses = await asyncio.gather(*(caller.post(there.url, "", b"") for _ in range(200)))
        assert set(statuses) == {204}
        assert there.connections <= 64


@pytest.mark.parametrize(
    "url", [nobody_listens, lambda: "http://nowhere.invalid", lambda: "https://127.0.0.1:1"]
)
async def test_no_connection(url: Callable[[], str]) -> None:
    async with client() as caller:
        with pytest.raises(NoConnection):
            await caller.post(url(), "", b"")


@pytest.mark.parametrize(
    "answer",
    [b"EOF", b"HTTP/1.1 20EOF", b"hello\r\n\r\n", HANG, b"HTTP/1.1 100 Continue\r\n\r\nEOF"],
    ids=["closed", "broken off", "not HTTP", "silent", "only a 100"],
)
async def test_cut_off(answer: bytes) -> None:
    async with peer(answer) as there, client(total=0.3) as caller:
        with pytest.raises(CutOff):
            await caller.post(there.url, "", b"")


@pytest.mark.parametrize("rest", [b"", b"EOF"], ids=["silent", "closed"])
async def test_a_status_counts_without_the_body(rest: bytes) -> None:
    async with (
        peer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab" + rest) as there,
        client(total=0.3) as caller,
    ):
        assert [await caller.post(there.url, "", b"") for _ in range(2)] == [200, 200]
        assert there.connections == 2


async def test_a_connection_that_takes_too_long_is_cut_off() -> None:
    """A time-out, so `rt`: nobody knows whether something listens there."""
    async with full_house() as url, client(total=5, connect=0.2) as caller:
        with pytest.raises(CutOff):
            await caller.post(url, "", b"")


async def test_the_time_for_a_connection_is_not_that_of_the_call() -> None:
    async with peer(HANG) as there, client(total=0.6, connect=0.1) as caller:
        began = asyncio.get_running_loop().time()
        with pytest.raises(CutOff):
            await caller.post(there.url, "", b"")
        assert asyncio.get_running_loop().time() - began >= 0.6


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http://host:port/", "http://host/\r\nX: y", "http://host/ä"]
)
async def test_what_cannot_be_called(url: str) -> None:
    async with client() as caller:
        with pytest.raises(CutOff):
            await caller.post(url, "", b"")


async def test_a_password_in_the_url() -> None:
    async with peer(NO_CONTENT) as there, client() as caller:
        await caller.post(there.url.replace("://", "://me:a%40b@"), "", b"")
        pair = base64.b64encode(b"me:a@b")
        assert b"Authorization: Basic " + pair + b"\r\n" in there.requests[0]
        assert b"Host: 127.0.0.1:" in there.requests[0]


async def test_tls_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with peer(NO_CONTENT, tls=context) as there:
        async with client() as stranger:
            with pytest.raises(NoConnection):
                await stranger.post(there.url, "", b"")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with client() as caller:
            assert [await caller.post(there.url, "", b"") for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(
    ("rule", "noted"),
    [
        ("rc=1&rp=ct", {"no-connection": 2, "cut-off": 1, "http-503": 1, "http-302": 1}),
        ("rc=1&rp=rt", {"no-connection": 1, "cut-off": 2, "http-503": 1, "http-302": 1}),
        ("rc=1&rp=5xx,3xx", {"no-connection": 1, "cut-off": 1, "http-503": 2, "http-302": 2}),
        ("rc=2&rp=all", {"no-connection": 3, "cut-off": 3, "http-503": 3, "http-302": 3}),
    ],
)
async def test_which_word_covers_what(rule: str, noted: dict[str, int], tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    callbacks = Callbacks("token", journal, "rc=0")
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with peer(b"EOF") as first, peer(busy) as second, peer(moved) as third:
        urls = [nobody_listens(), first.url, second.url, third.url]
        await asyncio.gather(
            *(callbacks.post(f"{url}/#{rule}", {"a": "b"}, "receipt") for url in urls)
        )
    await callbacks.close()
    journal.close()
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()[1:]]
    assert Counter(line["outcome"] for line in lines) == noted
    assert sum(not line["again"] for line in lines) == 4
