"""Consoles as processes with ports of their own, behind one address, and a projector beside them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from services.console.accounts.sessions import Sessions
from services.console.accounts.store import Store
from services.console.accounts.users import Users
from services.console.viewer import ANY, Grant, Role
from services.ledger import Ledger
from services.ledger.location import PostgresLocation
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request
from tests.adapters.processes import service
from tests.adapters.waiting import LONGEST
from tests.console.harness import FROM_A_PAGE, URL
from tests.postgres_server import write_url

HOST = {"host": URL.partition("//")[2], **FROM_A_PAGE}
"""Both have one address, as behind a proxy."""
BOX = "/t/acme/messages?box=sentbox"


@asynccontextmanager
async def projector(bootstrap: str, location: PostgresLocation) -> AsyncIterator[Ledger]:
    ledger, stop = Ledger.open(location), asyncio.Event()
    ledger.join()
    following = asyncio.create_task(ledger.follow(bootstrap, stop))
    try:
        yield ledger
    finally:
        stop.set()
        await following
        ledger.close()


async def catch_up(bootstrap: str, location: PostgresLocation) -> None:
    command = Ledger.open(location)
    await command.catch_up(bootstrap)
    command.close()


async def start_consoles(
    stack: AsyncExitStack, bootstrap: str, location: PostgresLocation, state: Path
) -> list[httpx2.AsyncClient]:
    settings = {
        "SAYSO_BOOTSTRAP": bootstrap,
        "SAYSO_LEDGER_URL": write_url(location),
        "SAYSO_STATE": str(state),
        "SAYSO_CONSOLE_PORT": "0",
        "SAYSO_CONSOLE_URL": URL,
    }

    async def start(name: str) -> httpx2.AsyncClient:
        folder = state.with_name(name)
        folder.mkdir()
        started = await stack.enter_async_context(service("services.console", folder, **settings))
        client = httpx2.AsyncClient(base_url=started.url, headers=HOST, timeout=LONGEST)
        return await stack.enter_async_context(client)

    return [await start("one"), await start("two")]


def make_link(state: Path) -> str:
    store, now = Store(state), datetime.now(UTC)
    users = Users(store)
    users.add("dana", "Dana", [Grant("acme", ANY, Role.ADMIN)], now)
    token = Sessions(store, users).make_link("dana", now)
    store.close()
    return token


def tell(message_id: str) -> list[Any]:
    return [make_request(message_id), make_decision(message_id), make_outcome(message_id)]


async def read_page(console: httpx2.AsyncClient, path: str) -> str:
    """Without the key that each form has of its own."""
    answer = await console.get(path)
    assert answer.status_code == 200
    return re.sub(r'(form.key"[^>]* value=)"[^"]*"', r"\1", answer.text)


async def until_shown(console: httpx2.AsyncClient, message_id: str) -> None:
    async with asyncio.timeout(LONGEST):
        # the projector is not asked, only what the page shows
        while message_id not in (await console.get(BOX)).text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_stream(console: httpx2.AsyncClient) -> AsyncIterator[set[str]]:
    """What an open page is told from now on."""
    heard, is_open = set[str](), asyncio.Event()

    async def listen() -> None:
        async with console.stream("GET", "/t/acme/stream") as answer:
            async for line in answer.aiter_lines():
                is_open.set()
                if line.startswith("data: ["):
                    heard.update(json.loads(line.removeprefix("data: ")))

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(is_open.wait(), LONGEST)
    try:
        yield heard
    finally:
        listening.cancel()
        await asyncio.wait({listening})
