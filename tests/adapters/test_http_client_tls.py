"""The same client over TLS: whom it trusts, and what a handshake that fails means."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from services.http_client import HttpClient, HttpError, IncompleteResponse
from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post, twilio
from tests.adapters.peers import Peer, answering, ok, peers
from tests.adapters.servers import nobody_listens

AUTHORITY = trustme.CA()
TAKEN = ok(b'{"sid": "SM1"}').replace(b"200 OK", b"201 Created")


def serving(*names: str, authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def trusted_by_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


async def test_connections_are_reused_and_the_host_is_named() -> None:
    named: list[str | None] = []
    server_side = serving("localhost")
    server_side.sni_callback = lambda _connection, name, _context: named.append(name)
    client = HttpClient(ssl_context=trusting())
    async with peers(answering(ok(b"x" * 100_000)), server_side) as server, asyncio.timeout(10):
        for _ in range(3):
            assert (
                len((await client.request("POST", server.url, body=b"y" * 100_000)).body) == 100_000
            )
        assert (named, len(server.peers)) == (["localhost"], 1)
        await client.close()
        await asyncio.sleep(0.02)
        assert server.ended == 1


@pytest.mark.parametrize(
    ("server_side", "error"),
    [
        pytest.param(serving("example.com"), ssl.SSLCertVerificationError, id="another name"),
        pytest.param(
            serving("localhost", authority=trustme.CA()), ssl.SSLCertVerificationError, id="unknown"
        ),
        pytest.param(None, ssl.SSLError, id="no TLS"),
    ],
)
async def test_nothing_is_written_to_an_untrusted_server(
    server_side: ssl.SSLContext | None, error: type[Exception]
) -> None:
    departed: list[bool] = []

    async def play(peer: Peer) -> None:
        if server_side is None:
            peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.request()

    client = HttpClient(ssl_context=trusting())
    async with peers(play, server_side) as server, asyncio.timeout(10):
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(error):
            await client.request("POST", url, before_write=lambda: departed.append(True))
        await client.close()
        assert (departed, server.requests) == ([], [])


async def test_a_handshake_may_be_given_up() -> None:
    """The server accepts, and says nothing."""
    listening = await asyncio.start_server(
        lambda _reader, writer: held.append(writer), "127.0.0.1", 0
    )
    held: list[asyncio.StreamWriter] = []
    client = HttpClient(1, ssl_context=trusting())
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.request(
                    "POST", f"https://localhost:{listening.sockets[0].getsockname()[1]}"
                )
    await client.close()
    for writer in held:
        writer.transport.abort()
    listening.close()
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["closes", "resets", "is cancelled"])
async def test_a_connection_that_ends(how: str) -> None:
    """Idle, it is replaced; in the middle of an answer the request stays answered by nobody."""

    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(ok())
        await asyncio.sleep(0.02)
        if how == "resets":
            peer.reset()

    client = HttpClient(ssl_context=trusting())
    async with peers(play, serving("localhost")) as server, asyncio.timeout(10):
        for place in range(2):
            assert (await client.request("POST", server.url)).body == b"hello"
            await asyncio.sleep(0.1)
            assert len(server.peers) == place + 1
        await client.close()

    async def half(peer: Peer) -> None:
        await peer.request()
        peer.say(ok()[:-1])
        await asyncio.sleep(0.05 if how != "is cancelled" else 5)
        if how == "resets":
            peer.reset()

    async with peers(half, serving("localhost")) as server, asyncio.timeout(10):
        with pytest.raises(TimeoutError if how == "is cancelled" else IncompleteResponse):
            async with asyncio.timeout(0.2 if how == "is cancelled" else 5):
                await client.request("POST", server.url)
        assert len(server.requests) == 1
        await client.close()


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\nhello")

    client = HttpClient(ssl_context=trusting())
    async with peers(play, serving("localhost")) as server, asyncio.timeout(10):
        assert (await client.request("POST", server.url)).body == b"hello"
        await client.close()


@pytest.mark.usefixtures("trusted_by_the_system")
async def test_twilio_over_tls() -> None:
    async with (
        peers(answering(TAKEN), serving("localhost")) as server,
        twilio(server.url) as client,
    ):
        assert (await client.send(post())).result is Result.ACCEPTED
        assert (await client.send(post())).result is Result.ACCEPTED
        assert len(server.peers) == 1


@pytest.mark.usefixtures("trusted_by_the_system")
@pytest.mark.parametrize(
    "server_side",
    [
        pytest.param(serving("api.twilio.com"), id="another name"),
        pytest.param(serving("localhost", authority=trustme.CA()), id="unknown"),
    ],
)
async def test_a_wrong_certificate_sends_nothing(server_side: ssl.SSLContext) -> None:
    async with peers(answering(TAKEN), server_side) as server, twilio(server.url) as client:
        answer = await client.send(post())
        assert (answer.result, server.requests) == (Result.UNSENT, [])
        assert "SSLCertVerificationError" in answer.detail


async def test_no_server_listens_for_tls() -> None:
    async with twilio(nobody_listens().replace("http:", "https:")) as client:
        assert (await client.send(post())).result is Result.UNSENT


async def test_tls_where_plain_http_is_asked_for() -> None:
    client = HttpClient()
    async with peers(answering(ok()), serving("localhost")) as server, asyncio.timeout(10):
        with pytest.raises((HttpError, OSError)):
            await client.request("POST", server.url.replace("https", "http"))
        await client.close()
