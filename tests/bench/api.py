"""The HTTP API: requests for texts a second, one by one and in batches, until Kafka has them."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute

from schemas.topics import SETTINGS
from services.console.api.app import ApiMiddleware
from services.console.api.calls import ApiRoute, HotRoute
from services.console.api.keys import HIGHEST_RATE, ApiKeys
from services.console.api.scopes import Scope
from services.console.api.send_requests import MAX_BATCH, Accepted, send_text
from tests.adapters.ledger_filler import fill_ledger
from tests.adapters.waiting import until
from tests.bench import people
from tests.bench.gate import empty_house, tear_down
from tests.bench.process import PYTHON, cpu_seconds, running
from tests.console.harness import console_on

CONNECTIONS: Final = 64
"""Callers that each wait for an answer before they send the next request."""
BATCH_CONNECTIONS: Final = 4
IN_PROCESS: Final = 3000
"""Calls of each kind of route, without a network."""
_IDS: Final = count()
PATH: Final = "/v1/send-requests"


class Called(NamedTuple):
    rate: float
    """Texts a second."""
    cpu: float | None
    """Seconds of the console's process for one request over HTTP."""


class _Server(NamedTuple):
    port: int
    pid: int
    key: str


@asynccontextmanager
async def _server(bootstrap: str) -> AsyncIterator[_Server]:
    """Raises InUse or Ended."""
    await empty_house(bootstrap)
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as name:
        folder = Path(name)
        fill_ledger(folder, (SETTINGS, people.TENANT))
        key = ApiKeys(folder).add(
            people.TENANT.tenant,
            "bench",
            datetime.now(UTC),
            scopes=[Scope.MESSAGES_WRITE],
            rate=HIGHEST_RATE,
        )
        port_file = folder / "port"
        environment = {
            "SAYSO_BOOTSTRAP": bootstrap,
            "SAYSO_STATE": str(folder),
            "SAYSO_CONSOLE_PORT": "0",
        }
        command = [PYTHON, "-m", "services.console", "--port-file", str(port_file)]
        try:
            async with running(command, folder, environment) as process:
                await until(lambda: port_file.exists() or process.returncode is not None)
                yield _Server(int(port_file.read_text()), process.pid, key.written)
        finally:
            await tear_down(bootstrap)


async def some_runs(bootstrap: str, texts: int, runs: int) -> tuple[list[Called], list[Called]]:
    """One by one, and in batches."""
    async with _server(bootstrap) as server:
        await _call(server, PATH, [_text() for _ in range(CONNECTIONS)], CONNECTIONS)
        single, batch = [], []
        for _ in range(runs):
            single.append(
                await _measure(server, PATH, [_text() for _ in range(texts)], CONNECTIONS, 1)
            )
            batches = [
                {"requests": [_text() for _ in range(MAX_BATCH)]}
                for _ in range(max(1, texts // MAX_BATCH))
            ]
            batch.append(
                await _measure(server, f"{PATH}/batch", batches, BATCH_CONNECTIONS, MAX_BATCH)
            )
        return single, batch


def _text() -> dict[str, str]:
    n = next(_IDS)
    return {"message_id": f"b-{n}", "to": people.number(n), "body": "Your papers are ready."}


async def _measure(
    server: _Server, path: str, bodies: list[dict[str, Any]], connections: int, texts: int
) -> Called:
    before, began = cpu_seconds(server.pid), time.perf_counter()
    await _call(server, path, bodies, connections)
    took, after = time.perf_counter() - began, cpu_seconds(server.pid)
    spent = None if before is None or after is None else (after - before) / len(bodies)
    return Called(len(bodies) * texts / took, spent)


async def _call(server: _Server, path: str, bodies: list[dict[str, Any]], connections: int) -> None:
    calls = iter([_encode(server, path, body) for body in bodies])

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for call in calls:
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 202"), head
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(caller() for _ in range(connections)))


def _encode(server: _Server, path: str, body: dict[str, Any]) -> bytes:
    told = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(told)}\r\n\r\n"
    )
    return head.encode() + told


# What the framework costs: the same endpoint as a route of either kind, without a network.


async def compare_routes(runs: int) -> list[float]:
    """CPU of a call through FastAPI's own handling, by that of the hot route."""
    ratios = []
    for _ in range(runs):
        usual = await _time_route(ApiRoute)
        ratios.append(usual / await _time_route(HotRoute))
    return ratios


async def _time_route(kind: type[APIRoute]) -> float:
    """Seconds of CPU for a call."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as name:
        folder = Path(name)
        fill_ledger(folder, (SETTINGS, people.TENANT))
        with console_on(folder) as harness:
            key = harness.api.keys.add(
                people.TENANT.tenant,
                "bench",
                harness.console.clock(),
                scopes=[Scope.MESSAGES_WRITE],
                rate=HIGHEST_RATE,
            )
            app = FastAPI(openapi_url=None)
            app.state.api = harness.api
            app.router.routes.append(
                kind(PATH, send_text, methods=["POST"], status_code=202, response_model=Accepted)
            )
            wrapped = ApiMiddleware(app, app, secure=False)
            headers = [
                (b"authorization", f"Bearer {key.written}".encode()),
                (b"content-type", b"application/json"),
            ]
            bodies = [json.dumps(_text()).encode() for _ in range(IN_PROCESS)]
            began = time.process_time()
            for body in bodies:
                await _call_app(wrapped, headers, body)
            spent = (time.process_time() - began) / IN_PROCESS
            await harness.api.idempotency.close()
            return spent


async def _call_app(app: ApiMiddleware, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 202) == 202

    await app(scope, receive, send)
