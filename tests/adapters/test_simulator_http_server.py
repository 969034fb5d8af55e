"""The simulator's HTTP server, byte by byte: what clients rarely do, and what faults look like
on the wire."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from services.local.simulator import Script, Simulator
from services.local.simulator.http_server import GRACE, LARGEST_BODY, HttpServer, route
from services.local.simulator.script import Fault
from tests.adapters.waiting import until

FORM = {"To": "+14155550100", "From": "24365", "Body": "Your table is ready"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def head(self) -> tuple[int, dict[str, str]]:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        named = [line.partition(": ") for line in lines]
        return int(first.split()[1]), {name.lower(): value for name, _, value in named}

    async def answer(self) -> Answer:
        status, headers = await self.head()
        return Answer(
            status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))
        )

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 5) == b""


@asynccontextmanager
async def wire(simulator: Simulator) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def create(
    simulator: Simulator, form: dict[str, str] | None = None, *headers: str
) -> tuple[bytes, bytes]:
    body = urlencode(form or FORM).encode()
    pair = base64.b64encode(f"{simulator.account_sid}:{simulator.auth_token}".encode()).decode()
    lines = [
        f"POST /2010-04-01/Accounts/{simulator.account_sid}/Messages.json HTTP/1.1",
        "Host: simulator",
        f"Authorization: Basic {pair}",
        "Content-Type: application/x-www-form-urlencoded",
        *headers,
    ]
    if not any(line.startswith("Transfer-Encoding") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode(), body


def get(path: str, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: simulator", *headers, "", ""]).encode()


def faulty(**faults: Any) -> Script:
    return Script.model_validate({"faults": faults})


async def test_what_a_create_is_answered_with() -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(*create(sim))
        status, headers, body = await client.answer()
        assert (status, headers["content-type"]) == (201, "application/json")
        assert headers["twilio-concurrent-requests"] == "1"
        assert json.loads(body)["status"] == "queued"
        assert "date" in headers


async def test_a_request_in_single_bytes() -> None:
    async with Simulator() as sim, wire(sim) as client:
        for byte in b"".join(create(sim)):
            client.send(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.answer()).status == 201


async def test_a_body_in_chunks() -> None:
    async with Simulator() as sim, wire(sim) as client:
        head, body = create(sim, None, "Transfer-Encoding: chunked")
        client.send(
            head,
            *(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:10], body[10:])),
            b"0\r\n\r\n",
        )
        assert (await client.answer()).status == 201
        assert sim.messages[0].body == FORM["Body"]


async def test_requests_sent_ahead_are_answered_in_their_order() -> None:
    script = Script.model_validate({"answer_after": [0.1, 0.1]})
    async with Simulator(script) as sim, wire(sim) as client:
        client.send(*create(sim), get("/simulator/faults"), get("/nowhere"), *create(sim))
        assert [(await client.answer()).status for _ in range(4)] == [201, 200, 404, 201]


async def test_a_call_waits_for_its_body() -> None:
    async with Simulator() as sim, wire(sim) as client:
        head, body = create(sim)
        client.send(head)
        await asyncio.sleep(0.1)
        assert not sim.messages
        client.send(body)
        assert (await client.answer()).status == 201


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/simulator/faults/a/b", 404),
        ("/simulator/inbound", 405),
        ("/simulator/journal", 404),
        ("/2010-04-01/Accounts/AC1/Messages.json", 401),
        ("/2010-04-01/Accounts/AC1/MessagesXjson", 404),
    ],
)
async def test_paths(path: str, status: int) -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(get(path))
        assert (await client.answer()).status == status


async def test_a_name_with_escapes() -> None:
    async with Simulator() as sim, wire(sim) as client:
        sim.faults.switch_on("a b/c", Fault(does="hang"))
        client.send(b"DELETE /simulator/faults/a%20b%2Fc HTTP/1.1\r\nHost: simulator\r\n\r\n")
        assert (await client.answer()).status == 200
        assert not list(sim.faults)


async def test_of_a_name_given_twice_the_first_counts(tmp_path: Path) -> None:
    async with Simulator(journal=tmp_path / "j") as sim, wire(sim) as client:
        client.send(get(f"/2010-04-01/Accounts/{sim.account_sid}/Messages.json?To=%2B1&To=%2B2"))
        assert (await client.answer()).status == 401
    assert json.loads((tmp_path / "j").read_text().splitlines()[-1])["number"] == "+1"


async def test_the_journal_is_handed_out(tmp_path: Path) -> None:
    async with Simulator(journal=tmp_path / "j") as sim, wire(sim) as client:
        client.send(*create(sim), get("/simulator/journal"))
        assert (await client.answer()).status == 201
        assert (await client.answer()).body.count(b"\n") == 3


@pytest.mark.parametrize(
    ("version", "header", "stays"),
    [
        ("1.1", "Accept: */*", True),
        ("1.1", "Connection: close", False),
        ("1.0", "Accept: */*", False),
        ("1.0", "Connection: keep-alive", False),
        ("1.1", "Connection: upgrade\r\nUpgrade: h2c", False),
    ],
)
async def test_how_long_a_connection_stays(version: str, header: str, stays: bool) -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(get("/simulator/stats", header, version=version))
        answer = await client.answer()
        assert (answer.status, answer.headers.get("connection")) == (
            200,
            None if stays else "close",
        )
        if stays:
            client.send(get("/simulator/stats"))
            assert (await client.answer()).status == 200
        else:
            assert await client.is_closed()


async def test_what_is_not_http() -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(b"hello\r\n\r\n")
        assert (await client.answer()).status == 400
        assert await client.is_closed()


async def test_a_body_that_is_too_large() -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(*create(sim, FORM | {"Body": "x" * LARGEST_BODY}))
        assert (await client.answer()).status == 413
        client.send(*create(sim))
        assert (await client.answer()).status == 201


async def test_a_handler_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    async with Simulator() as sim, wire(sim) as client:
        client.send(
            b"POST /simulator/inbound HTTP/1.1\r\nHost: simulator\r\nContent-Length: 2\r\n\r\n[]"
        )
        assert (await client.answer()).status == 500
    assert "POST /simulator/inbound failed" in caplog.text


async def test_half_of_an_answer() -> None:
    async with Simulator(faulty(today="truncated")) as sim, wire(sim) as client:
        client.send(*create(sim))
        status, headers = await client.head()
        assert (status, headers["content-type"]) == (201, "application/json")
        assert len(await client.reader.read()) == int(headers["content-length"]) // 2


@pytest.mark.parametrize("does", ["reset-before", "reset-after", "reset-unread"])
async def test_a_reset_is_a_reset(does: str) -> None:
    """Not the end of a connection that was closed in good order."""
    async with Simulator(faulty(today=does)) as sim, wire(sim) as client:
        client.send(*create(sim))
        with pytest.raises(ConnectionResetError):
            await client.reader.readexactly(1)


async def test_a_reset_does_not_wait_for_the_body(tmp_path: Path) -> None:
    async with (
        Simulator(faulty(today="reset-unread"), journal=tmp_path / "j") as sim,
        wire(sim) as client,
    ):
        client.send(create(sim)[0])
        with pytest.raises(ConnectionResetError):
            await client.reader.readexactly(1)
    assert b'"outcome":"unread"' in (tmp_path / "j").read_bytes()


async def test_a_platforms_own_error() -> None:
    async with Simulator(faulty(today="http:599")) as sim, wire(sim) as client:
        client.send(*create(sim))
        answer = await client.answer()
        assert (answer.status, answer.body) == (599, b"upstream error")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("in_order", [True, False], ids=["closed", "reset"])
async def test_a_client_that_hangs_up_is_left_in_doubt(in_order: bool, tmp_path: Path) -> None:
    """The call is cancelled: it holds none of the account's calls at once any longer."""
    script = Script.model_validate({"concurrency": 1, "answer_after": [30, 30]})
    async with Simulator(script, journal=tmp_path / "j") as sim:
        async with wire(sim) as client:
            client.send(*create(sim))
            await until(lambda: sim.messages)
            if not in_order:
                client.writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
        await until(lambda: sim.counts["answer.untold"])
        assert sim.counts["answer.told"] == 0


async def test_a_call_under_way_is_cut_off_at_the_end(tmp_path: Path) -> None:
    async with Simulator(
        faulty(today={"does": "hang", "taken": True}), journal=tmp_path / "j"
    ) as sim:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        writer.write(b"".join(create(sim)))
        await until(lambda: sim.messages)
    assert await reader.read() == b""
    writer.close()
    assert json.loads((tmp_path / "j").read_text().splitlines()[-1])["outcome"] == "untold"


async def test_a_call_that_is_nearly_done_is_waited_for() -> None:
    script = Script.model_validate({"answer_after": [GRACE / 4, GRACE / 4]})
    async with Simulator(script) as sim:
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)
        writer.write(b"".join(create(sim)))
        await until(lambda: sim.messages)
    assert (await reader.read()).startswith(b"HTTP/1.1 201 ")
    writer.close()


async def test_nothing_listens_any_longer() -> None:
    server = HttpServer([route("GET", "/{name}", lambda request: asyncio.sleep(0))])
    port = await server.start("127.0.0.1", 0)
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
