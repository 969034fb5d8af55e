"""The simulator's callbacks: how each outcome is named, what is retried, and what is sent."""

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

from services.local.simulator import callbacks as module
from services.local.simulator.callbacks import Callbacks, sign
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
async def callbacks(journal: Path, rule: str = "rc=0") -> AsyncIterator[Callbacks]:
    written = Journal(journal)
    made = Callbacks("token", written, rule)
    try:
        yield made
    finally:
        await made.close()
        written.close()


async def outcome(url: str, folder: Path) -> str:
    """Of one callback that is not retried."""
    async with callbacks(folder / "j") as caller:
        await caller.post(url, {"a": "b"}, "receipt")
    return str(json.loads((folder / "j").read_text().splitlines()[-1])["outcome"])


async def test_what_is_sent(tmp_path: Path) -> None:
    async with peer(NO_CONTENT) as there, callbacks(tmp_path / "j") as caller:
        url = there.url + "/twilio/status?a=1&b=%2B"
        await caller.post(url + "#rc=1", {"c": "d e", "f": "+1"}, "receipt")
        [request] = there.requests
    first, *lines = request.decode().split("\r\n")
    assert first == "POST /twilio/status?a=1&b=%2B HTTP/1.1"
    assert {
        f"Host: {there.url[7:]}",
        "User-Agent: TwilioProxy/1.1",
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature: " + sign("token", url, {"c": "d e", "f": "+1"}),
        "Content-Length: 12",
    } < set(lines)
    assert lines[-1] == "c=d+e&f=%2B1"


async def test_one_connection_for_many_calls(tmp_path: Path) -> None:
    async with peer(NO_CONTENT) as there, callbacks(tmp_path / "j") as caller:
        for _ in range(4):
            await caller.post(there.url, {}, "receipt")
        assert (len(there.requests), there.connections) == (4, 1)


async def test_many_at_once(tmp_path: Path) -> None:
    async with peer(NO_CONTENT) as there, callbacks(tmp_path / "j") as caller:
        await asyncio.gather(*(caller.post(there.url, {}, "receipt") for _ in range(200)))
        assert len(there.requests) == 200
        assert there.connections <= module.MOST_CONNECTIONS


@pytest.mark.parametrize(
    "url", [nobody_listens, lambda: "http://nowhere.invalid", lambda: "https://127.0.0.1:1"]
)
async def test_no_connection(url: Callable[[], str], tmp_path: Path) -> None:
    assert await outcome(url(), tmp_path) == "no-connection"


@pytest.mark.parametrize(
    "answer",
    [b"EOF", b"HTTP/1.1 20EOF", b"hello\r\n\r\n", HANG, b"HTTP/1.1 100 Continue\r\n\r\nEOF"],
    ids=["closed", "broken off", "not HTTP", "silent", "only a 100"],
)
async def test_cut_off(answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_TIMEOUT", 0.3)
    async with peer(answer) as there:
        assert await outcome(there.url, tmp_path) == "cut-off"


async def test_a_slow_connection_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out, so `rt`: nobody knows whether something listens there."""
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.2)
    async with full_house() as url:
        assert await outcome(url, tmp_path) == "cut-off"


async def test_a_connected_call_gets_the_total_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.1)
    monkeypatch.setattr(module, "TOTAL_TIMEOUT", 0.6)
    async with peer(HANG) as there:
        began = asyncio.get_running_loop().time()
        assert await outcome(there.url, tmp_path) == "cut-off"
        assert asyncio.get_running_loop().time() - began >= 0.6


@pytest.mark.parametrize("url", ["ftp://host/", "http://host:port/"])
async def test_what_cannot_be_called(url: str, tmp_path: Path) -> None:
    assert await outcome(url, tmp_path) == "cut-off"


async def test_a_password_in_the_url(tmp_path: Path) -> None:
    async with peer(NO_CONTENT) as there:
        url = there.url.replace("://", "://me:a%40b@") + "/path"
        assert await outcome(url, tmp_path) == "ok"
    pair = base64.b64encode(b"me:a@b")
    assert there.requests[0].startswith(b"POST /path HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Authorization: Basic " + pair + b"\r\n" in there.requests[0]


async def test_tls_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with peer(NO_CONTENT, tls=context) as there:
        assert await outcome(there.url, tmp_path) == "no-connection"
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert await outcome(there.url, tmp_path) == "ok"


@pytest.mark.parametrize(
    ("rule", "noted"),
    [
        ("rc=1&rp=ct", {"no-connection": 2, "cut-off": 1, "http-503": 1, "http-302": 1}),
        ("rc=1&rp=rt", {"no-connection": 1, "cut-off": 2, "http-503": 1, "http-302": 1}),
        ("rc=1&rp=5xx,3xx", {"no-connection": 1, "cut-off": 1, "http-503": 2, "http-302": 2}),
        ("rc=2&rp=all", {"no-connection": 3, "cut-off": 3, "http-503": 3, "http-302": 3}),
    ],
)
async def test_which_policy_word_covers_which_outcome(
    rule: str, noted: dict[str, int], tmp_path: Path
) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with (
        peer(b"EOF") as first,
        peer(busy) as second,
        peer(moved) as third,
        callbacks(tmp_path / "j") as caller,
    ):
        urls = [nobody_listens(), first.url, second.url, third.url]
        await asyncio.gather(
            *(caller.post(f"{url}/#{rule}", {"a": "b"}, "receipt") for url in urls)
        )
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()[1:]]
    assert Counter(line["outcome"] for line in lines) == noted
    assert sum(not line["again"] for line in lines) == 4
