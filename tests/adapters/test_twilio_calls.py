"""How a call is written and read under Twilio's SDK."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from services.failpoints import CRASH_AT
from services.local.simulator.server import ACCOUNT, TOKEN
from streams.dispatch.provider_calls import Lookup, Result
from tests.adapters.calls import PUBLIC_URL, post, twilio
from tests.adapters.peers import Peer, answering, ok, peers
from tests.adapters.waiting import until

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
CREATED = b"HTTP/1.1 201 Created\r\n"
SID = b'{"sid": "SM1"}'


def said(*requests: bytes) -> list[tuple[bytes, dict[bytes, bytes], bytes]]:
    """Request line, headers and body of each."""
    read = []
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        read.append((line, dict(header.split(b": ", 1) for header in headers), body))
    return read


async def test_how_a_call_is_written() -> None:
    async with peers(answering(ok(SID))) as server, twilio(server.url) as client:
        for attempt in (1, 2):
            await client.send(post(body="a b+c", attempt=attempt))
        [(line, headers, body), (_, again, second)] = said(*server.requests)
        assert line == f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1".encode()
        assert headers[b"Authorization"] == b"Basic " + base64.b64encode(
            f"{ACCOUNT}:{TOKEN}".encode()
        )
        assert headers[b"Content-Type"] == b"application/x-www-form-urlencoded"
        assert headers[b"Accept-Encoding"] == b"identity"
        assert headers[b"User-Agent"].startswith(b"twilio-python/")
        assert headers == again
        assert b"To=%2B14155550100&" in body
        assert b"&Body=a+b%2Bc" in body
        assert second == body.replace(b"attempt%3D1", b"attempt%3D2")


async def test_how_a_list_is_requested() -> None:
    following = "/2010-04-01/Accounts/AC/Messages.json?To=%2B14155550100&Page=1&PageToken=PASM1"
    first = f'{{"messages": [], "next_page_uri": "{following}"}}'.encode()
    last = b'{"messages": [], "next_page_uri": null}'
    async with peers(answering(ok(first), ok(last))) as server, twilio(server.url) as client:
        assert (await client.look_up(LOOK)).entries == ()
        [(line, headers, body), (next_line, next_headers, _)] = said(*server.requests)
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        assert (line, body) == (
            f"GET {path}?To=%2B14155550100&PageSize=1000 HTTP/1.1".encode(),
            b"",
        )
        assert next_line == f"GET {following} HTTP/1.1".encode()
        assert b"Content-Length" not in headers
        assert headers[b"Authorization"] == next_headers[b"Authorization"]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        pytest.param(
            CREATED
            + b"Transfer-Encoding: chunked\r\n\r\n5\r\n"
            + SID[:5]
            + b"\r\n9\r\n"
            + SID[5:]
            + b"\r\n0\r\n\r\n",
            Result.ACCEPTED,
            id="chunks",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + CREATED + b"Content-Length: 14\r\n\r\n" + SID,
            Result.ACCEPTED,
            id="informational first",
        ),
        pytest.param(
            CREATED + b"Content-Length: 5\r\n\r\n\x1f\x8b\x08\x00\xff",
            Result.IN_DOUBT,
            id="not UTF-8",
        ),
        pytest.param(CREATED + b"A: " + b"b" * 70_000, Result.IN_DOUBT, id="too large"),
        pytest.param(b"+OK POP3 ready\r\n", Result.IN_DOUBT, id="not HTTP"),
        pytest.param(
            b"HTTP/1.1 307 Elsewhere\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            Result.IN_DOUBT,
            id="a redirect",
        ),
    ],
)
async def test_how_an_answer_is_read(answer: bytes, result: Result) -> None:
    async with peers(answering(answer)) as server, twilio(server.url) as client:
        told = await client.send(post())
        assert (told.result, len(server.requests)) == (result, 1)
        assert told.detail or result is Result.ACCEPTED


@pytest.mark.parametrize("answer", [ok(b"\xff\xfe"), b"nonsense\r\n", ok(b"{}")[:-1] + b"\xe4"])
async def test_a_list_that_cannot_be_read(answer: bytes) -> None:
    async with peers(answering(answer)) as server, twilio(server.url) as client:
        seen = await client.look_up(LOOK)
        assert (seen.entries, bool(seen.detail), len(server.requests)) == (None, True, 1)


async def test_a_call_that_is_given_up_leaves_no_answer_behind() -> None:
    """The time-out closes the connection: the answer to the first call is not taken for that of
    the second."""

    async def play(peer: Peer) -> None:
        while True:
            asked = await peer.request()
            first = b"attempt%3D1" in asked
            await asyncio.sleep(0.4 if first else 0)
            peer.say(ok(b'{"sid": "SM1"}' if first else b'{"sid": "SM2"}'))

    async with peers(play) as server, twilio(server.url, timeout=0.3, connections=1) as client:
        assert (await client.send(post(attempt=1))).result is Result.IN_DOUBT
        assert (await client.send(post(attempt=2))).provider_id == "SM2"
        await asyncio.sleep(0.2)
        assert (await client.send(post(attempt=3))).provider_id == "SM2"
        assert len(server.peers) == 2


async def test_the_process_dies_where_the_request_is_written() -> None:
    """The failpoint: the request is with the provider, whole, and nobody has read an answer."""
    script = """
import asyncio, sys
from tests.adapters.calls import post, twilio
async def main():
    async with twilio(sys.argv[1]) as client:
        print(await client.send(post()))
asyncio.run(main())
"""
    async with peers(answering(ok(SID))) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            server.url,
            env={**os.environ, CRASH_AT: "request-written:1"},
            stdout=subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert (process.returncode, out) == (-signal.SIGKILL, b"")
        await until(lambda: server.requests)
        [(_, _, body)] = said(*server.requests)
        assert PUBLIC_URL.encode()[:4] in body
        assert b"Body=Your+table+is+ready" in body


def test_the_sdk_is_there_before_the_first_call() -> None:
    """A quarter of a second of imports: at the start, not in the first call; and not where
    nobody sends."""
    script = """
import asyncio, sys
import services.cli.app
assert not [name for name in sys.modules if name.startswith(("twilio", "services.http"))]
from tests.adapters.calls import ACCOUNT, TOKEN, post
from pydantic import SecretStr
from services.providers.twilio import Twilio
async def main():
    client = Twilio(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), public_url="", base_url="http://127.0.0.1:9")
    before = set(sys.modules)
    await client.send(post())
    await client.close()
    print(sorted(name for name in set(sys.modules) - before if name.startswith("twilio")))
asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
