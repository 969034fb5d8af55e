"""The webhook on the wire: bodies in every form and none, requests one behind another, and what
is no HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from schemas.base import Message
from schemas.topics import Topic
from services.kafka.publisher import NotPublished, Publisher
from services.local.simulator.callbacks import sign as signed
from services.local.simulator.server import TOKEN
from services.webhook import app
from services.webhook.app import MAX_BODY, MAX_DISCARDED, Webhook
from services.webhook.server import MAX_REQUEST, serve
from services.webhook.signature import Signature

PUBLIC = "https://sms.example.com"
STATUS = "/twilio/status?tenant=acme&message_id=m-1&attempt=1"
RECEIPT = {"MessageSid": "SM1", "MessageStatus": "delivered", "ErrorCode": ""}
BODY = urlencode(RECEIPT).encode()
GENUINE = signed(TOKEN, PUBLIC + STATUS, RECEIPT)


class Kept(Publisher):
    """Keeps what it is given; `away` is a Kafka that is not there.  What HTTP makes of it is
    looked at here."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:9", source="test")
        self.kept: list[Message] = []
        self.away = False

    async def publish(self, topic: Topic[Message], message: Message) -> None:
        if self.away:
            raise NotPublished("away")
        self.kept.append(message)

    async def is_reachable(self) -> bool:
        return not self.away


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Line:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        webhook: Webhook,
        kept: Kept,
    ) -> None:
        self.reader, self.writer, self.webhook, self.publisher = reader, writer, webhook, kept

    def send(self, method: str, target: str, *headers: str, body: bytes = b"") -> None:
        head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *headers])
        self.writer.write(head.encode("latin-1") + b"\r\n\r\n" + body)

    def post(
        self, *headers: str, body: bytes = BODY, target: str = STATUS, signature: str = GENUINE
    ) -> None:
        sized = (
            ()
            if any("ransfer-" in header or "ength" in header for header in headers)
            else _length(len(body))
        )
        self.send("POST", target, f"X-Twilio-Signature: {signature}", *sized, *headers, body=body)

    async def pour(self, part: bytes) -> None:
        """Much more than anybody should take."""
        for _ in range(20 * MAX_REQUEST // len(part)):
            self.writer.write(part)
            await self.writer.drain()

    async def answer(self, *, head: bool = False) -> Said:
        async with asyncio.timeout(20):
            first, *lines = (
                (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            )
            headers = {
                name.lower(): value for name, value in (line.split(": ", 1) for line in lines)
            }
            length = 0 if head else int(headers.get("content-length", 0))
            text = (await self.reader.readexactly(length)).decode()
            return Said(int(first.split()[1]), headers, text)

    async def ended(self) -> bytes:
        """What came until the server hung up."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


def _length(size: int) -> tuple[str, ...]:
    return (f"Content-Length: {size}",)


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    async with AsyncExitStack() as after, listening() as connect:
        client = await connect()
        after.callback(client.writer.close)
        yield client


@asynccontextmanager
async def listening() -> AsyncIterator[Callable[[], Awaitable[Line]]]:
    kept = Kept()
    webhook = Webhook(Signature(SecretStr(TOKEN), PUBLIC), kept)
    async with serve(webhook, "127.0.0.1", 0, grace=0.1) as (_, port):

        async def connect() -> Line:
            return Line(*await asyncio.open_connection("127.0.0.1", port), webhook, kept)

        yield connect


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
async def test_a_body_in_chunks_without_a_length(size: int) -> None:
    async with line() as client:
        for _ in range(2):
            client.post("Transfer-Encoding: chunked", body=chunked(BODY, size))
            assert (await client.answer()).status == 204
        assert len(client.publisher.kept) == 2


async def test_a_body_that_comes_in_pieces() -> None:
    async with line() as client:
        client.post(f"Content-Length: {len(BODY)}", body=b"")
        for byte in BODY:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer()).status == 204


async def test_the_largest_body_that_is_read() -> None:
    form = {**RECEIPT, "Body": ""}
    form["Body"] = "x" * (MAX_BODY - len(urlencode(form)))
    body, signature = urlencode(form).encode(), signed(TOKEN, PUBLIC + STATUS, form)
    async with line() as client:
        client.post(body=body, signature=signature)
        assert (await client.answer()).status == 204
        client.post("Transfer-Encoding: chunked", body=chunked(body, 100), signature=signature)
        assert (await client.answer()).status == 204
        client.post(body=body + b"x", signature=signature)
        assert (await client.answer()).status == 413


@pytest.mark.parametrize("size", [MAX_BODY + 1, MAX_DISCARDED])
async def test_a_body_too_large_is_refused_and_the_connection_goes_on(size: int) -> None:
    async with line() as client:
        for headers, body in (
            ((), b"x" * size),
            (("Transfer-Encoding: chunked",), chunked(b"x" * size, 1000)),
        ):
            client.post(*headers, body=body)
            said = await client.answer()
            assert (said.status, said.text) == (
                413,
                f"Maximum request body size {MAX_BODY} exceeded.",
            )
        client.post()
        assert (await client.answer()).status == 204
        assert len(client.publisher.kept) == 1
        assert client.webhook.counts == {"204": 1}


@pytest.mark.parametrize("how", ["Content-Length: 100000000000", "Transfer-Encoding: chunked"])
async def test_a_body_without_an_end_is_cut_off(how: str) -> None:
    async with line() as client:
        client.post(how, body=b"")
        part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await client.pour(part)
        heard = await client.ended()
        assert heard == b"" or heard.startswith(b"HTTP/1.1 413 ")
        assert client.publisher.kept == []


@pytest.mark.parametrize("how", [f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("begun", [b"", b"5\r\nMess"])
async def test_a_body_that_does_not_come(
    how: str, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "READ_TIMEOUT", 0.2)
    async with line() as client:
        client.post(how, body=begun)
        said = await client.answer()
        assert (said.status, said.text) == (408, "408: the body did not come")
        assert await client.ended() == b"", (
            "what would come next cannot be told from the rest of the body"
        )
        assert client.webhook.counts == {"408": 1}


async def test_a_caller_that_hangs_up_early_changes_nothing() -> None:
    async with line() as client:
        client.post("Content-Length: 1000")
        await asyncio.sleep(0.05)
        client.writer.close()
        await asyncio.sleep(0.05)
        assert (client.publisher.kept, client.webhook.counts) == ([], {})


async def test_requests_one_behind_another() -> None:
    """All are sent before the first is answered; answers come in their order."""
    async with line() as client:
        client.post()
        client.send("GET", "/live")
        client.post(signature="forged")
        client.send("GET", "/nowhere")
        client.post("Transfer-Encoding: chunked", body=chunked(BODY, 9))
        assert [(await client.answer()).status for _ in range(5)] == [204, 200, 403, 404, 204]
        assert len(client.publisher.kept) == 2


async def test_a_connection_is_kept_until_either_side_closes_it() -> None:
    async with line() as client:
        for _ in range(20):
            client.post()
            assert (await client.answer()).status == 204
        client.post("Connection: close")
        assert (await client.answer()).status == 204
        assert await client.ended() == b""


async def test_expect_100_continue_is_answered() -> None:
    async with line() as client:
        client.post("Expect: 100-continue", f"Content-Length: {len(BODY)}", body=b"")
        assert (await client.answer()).status == 100
        client.writer.write(BODY)
        assert (await client.answer()).status == 204


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("target", [STATUS, "/twilio/inbound"])
async def test_only_post_tells_us_something(method: str, target: str) -> None:
    async with line() as client:
        client.send(method, target)
        said = await client.answer(head=method == "HEAD")
        assert (said.status, said.headers["allow"]) == (405, "POST")
        assert said.text == ("" if method == "HEAD" else "405: Method Not Allowed")


@pytest.mark.parametrize("path", ["/live", "/ready"])
async def test_health_can_be_requested_with_head(path: str) -> None:
    async with line() as client:
        client.send("HEAD", path)
        assert (await client.answer(head=True)).status == 200
        client.send("GET", path + "?x=1")
        assert (await client.answer()).headers["content-type"] == "application/json; charset=utf-8"
        client.send("POST", path, "Content-Length: 0")
        said = await client.answer()
        assert (said.status, said.headers["allow"]) == (405, "GET,HEAD")
        client.publisher.away = True
        client.send("GET", path)
        assert (await client.answer()).status == (503 if path == "/ready" else 200)


@pytest.mark.parametrize(
    "path", ["/", "/twilio", "/twilio/status/", "/Twilio/status", "/twilio/inbound/x", "/metrics"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_else_is_here(method: str, path: str) -> None:
    async with line() as client:
        client.send(method, path, "Content-Length: 3", body=b"a=b")
        said = await client.answer()
        assert (said.status, said.text) == (404, "404: Not Found")


async def test_the_signature_covers_the_path_as_it_was_written() -> None:
    target = STATUS.replace("status", "%73tatus")
    async with line() as client:
        client.post(target=target)
        assert (await client.answer()).status == 403
        client.post(target=target, signature=signed(TOKEN, PUBLIC + target, RECEIPT))
        assert (await client.answer()).status == 204


@pytest.mark.parametrize("signature", ["ä" * 28, "\xff", "A" * 5000, "\t"])
async def test_a_signature_that_is_none(signature: str) -> None:
    async with line() as client:
        client.post(signature=signature)
        assert (await client.answer()).status == 403


@pytest.mark.parametrize(
    "said",
    [
        b"what?\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nlong\r\n",
        b"POST /twilio/st\xe4tus HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /twilio/status HTTP/1.1\r\nno colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_http(said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A 400 or none, the connection is closed, nothing is published, and no line is written:
    strangers send many."""
    async with line() as client:
        client.writer.write(said)
        heard = await client.ended()
        assert heard == b"" or heard.startswith(b"HTTP/1.1 400 ")
        assert client.publisher.kept == []
    assert [one for one in caplog.records if one.name.startswith("uvicorn")] == []


@pytest.mark.parametrize(
    "begun", [b"GET /live HTTP/1.1\r\nX: ", b"GET /live HTTP/1.1\r\n", b"GET /", b"chunked"]
)
async def test_a_head_or_a_trailer_without_an_end_is_cut_off(begun: bytes) -> None:
    more = b"x" * 1000 if begun.endswith((b": ", b"/")) else b"X: " + b"x" * 997 + b"\r\n"
    if begun == b"chunked":
        begun = b"POST /twilio/status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    async with line() as client:
        client.writer.write(begun)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await client.pour(more)
        assert client.publisher.kept == []


async def test_only_the_1st_10th_and_100th_refusal_is_logged() -> None:
    with capture_logs() as lines:
        async with line() as client:
            for _ in range(101):
                client.post(signature="forged")
                assert (await client.answer()).status == 403
    assert [(one["event"], one["so_far"], one["path"]) for one in lines] == [
        ("refused", count, "/twilio/status") for count in (1, 10, 100)
    ]
    assert b'sayso_webhook_answers_total{status="403"} 101.0' in client.webhook.metrics.text()


async def test_what_is_published_is_counted() -> None:
    async with line() as client:
        client.post()
        await client.answer()
        client.publisher.away = True
        client.post()
        said = await client.answer()
        assert (said.status, said.text, said.headers["retry-after"]) == (503, "503: try again", "5")
        told = client.webhook.metrics.text()
    assert b'sayso_receipts_total{code="",status="delivered"} 1.0' in told
    assert b'sayso_webhook_answers_total{status="503"} 1.0' in told


async def test_a_request_that_does_not_end_holds_no_shutdown_up() -> None:
    async with listening() as connect:
        client, idle = await connect(), await connect()
        client.post("Content-Length: 1000")
        await asyncio.sleep(0.05)
    said = await client.answer()
    assert (said.status, said.headers["retry-after"], said.headers["connection"]) == (
        503,
        "5",
        "close",
    )
    assert await client.ended() == await idle.ended() == b""
    client.writer.close()
    idle.writer.close()


async def test_answers_leave_at_once() -> None:
    """Head and body are written one after the other: the second must not wait for the first
    one's acknowledgement, which takes 40 ms."""
    async with line() as client:
        began = time.perf_counter()
        for _ in range(50):
            client.send("GET", "/live")
            await client.answer()
        assert time.perf_counter() - began < 50 * 0.03
