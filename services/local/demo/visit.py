"""The demo as a guest: in a house that somebody else runs, whose simulator lets it invite its people."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.local.demo.run import Plan, Scene
from services.operations.errors import OperationFailed


@asynccontextmanager
async def visited(
    plan: Plan, bootstrap: str, simulator: str, say: Callable[[str], None]
) -> AsyncIterator[Scene]:
    """With a ledger of its own, followed from here.  Raises OperationError."""
    say(f"as a guest of the house at {bootstrap}")
    folder = plan.state / "visit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    async with aiohttp.ClientSession(simulator) as web:
        await _invite(web, plan, simulator)
        ledger, stop = Ledger.open(folder / FILE), asyncio.Event()
        following = asyncio.create_task(ledger.follow(bootstrap, stop))
        try:
            yield Scene(bootstrap, ledger, lambda: _journal(web, folder / "simulator.jsonl"))
        finally:
            stop.set()
            with suppress(Exception):
                await following
            ledger.close()


async def _invite(web: aiohttp.ClientSession, plan: Plan, simulator: str) -> None:
    try:
        async with web.put("/simulator/people", json=plan.asked.script()["numbers"]) as answer:
            if answer.status != 200:
                raise OperationFailed(
                    f"The simulator at {simulator} does not let the demo in: {await answer.text()}",
                )
    except aiohttp.ClientError:
        raise OperationFailed(
            f"No simulator answers at {simulator}: the demo texts nobody else"
        ) from None


async def _journal(web: aiohttp.ClientSession, file: Path) -> Path:
    async with web.get("/simulator/journal") as answer:
        if answer.status != 200:
            raise OperationFailed(
                "The simulator keeps no journal to check against: start it with --log"
            )
        await asyncio.to_thread(file.write_bytes, await answer.read())
    return file
