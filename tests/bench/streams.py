"""Open pages of the console: what many of them cost while nothing happens, and how soon they hear
of a change.

`python -m tests.bench.streams` measures both with a broker, a ledger and a console of its own."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from schemas.thread import NoteAdded
from schemas.topics import SETTINGS, THREAD_EVENTS
from services.console.access import COOKIE
from services.console.accounts.sessions import Sessions
from services.console.accounts.store import Store
from services.console.accounts.users import Users
from services.console.viewer import ANY, Grant, Role
from services.local.broker import EmbeddedBroker
from services.operations.session import Session
from tests.adapters.waiting import until
from tests.bench import people
from tests.bench.gate import empty_house, tear_down
from tests.bench.process import PYTHON, cpu_seconds, running

STREAMS: Final = 200
SECONDS: Final = 20.0
CHANGES: Final = 100
SETTLED: Final = 5.0
"""Seconds after the last stream was opened."""
HOST: Final = "127.0.0.1:8430"
"""What the console takes itself for, wherever it listens."""
TENANT: Final = people.TENANT.tenant


class Watched(NamedTuple):
    idle_percent: float
    """Of a core, with all streams open."""
    without_percent: float
    """The same with none."""
    seconds: tuple[float, ...]
    """From writing a record until a stream has told of it."""


class _House(NamedTuple):
    port: int
    pid: int
    session_id: str


async def measure(
    bootstrap: str, streams: int = STREAMS, seconds: float = SECONDS, changes: int = CHANGES
) -> Watched:
    """Raises InUse or Ended."""
    async with _house(bootstrap) as house:
        await asyncio.sleep(SETTLED)
        without = await _spend(house.pid, seconds / 2)
        opened = await asyncio.gather(*[_open(house) for _ in range(streams)])
        readers = [asyncio.create_task(_read_all(one)) for one in opened]
        try:
            await asyncio.sleep(SETTLED)
            idle = await _spend(house.pid, seconds)
            took = await _hear(bootstrap, house, changes)
        finally:
            for task in readers:
                task.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return Watched(idle, without, took)


async def _spend(pid: int, seconds: float) -> float:
    before, began = cpu_seconds(pid) or 0.0, time.perf_counter()
    await asyncio.sleep(seconds)
    return ((cpu_seconds(pid) or 0.0) - before) / (time.perf_counter() - began) * 100


async def _hear(bootstrap: str, house: _House, changes: int) -> tuple[float, ...]:
    """One change after another, each when the one before has been told."""
    reader = await _open(house)
    took = []
    async with Session(bootstrap, source="console") as kafka:
        for number in range(changes + 1):
            numbered = f"+1212555{number:04}"
            at = datetime.now(UTC)
            note = NoteAdded(
                tenant=TENANT,
                number=numbered,
                change_id=f"n-{number}",
                by="dana",
                at=at,
                text="Called",
            )
            began = time.perf_counter()
            await kafka.publish(THREAD_EVENTS, [note])
            async with asyncio.timeout(30):
                while numbered.encode() not in await reader.readline():
                    pass
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.037 * (number % 10))  # not in step with what looks
    return tuple(took[1:])


async def _open(house: _House) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    request = (
        f"GET /t/{TENANT}/stream HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Cookie: {COOKIE}={house.session_id}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
    )
    writer.write(request.encode())
    await writer.drain()
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"The stream answers {status.decode().strip()}")
    reader.keeps = writer  # type: ignore[attr-defined]  # or the connection would be closed
    return reader


async def _read_all(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


@asynccontextmanager
async def _house(bootstrap: str) -> AsyncIterator[_House]:
    await empty_house(bootstrap)
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as name:
        folder = Path(name)
        port_file = folder / "port"
        environment = {
            "SAYSO_BOOTSTRAP": bootstrap,
            "SAYSO_STATE": str(folder),
            "SAYSO_CONSOLE_PORT": "0",
            "SAYSO_CONSOLE_URL": f"http://{HOST}",
        }
        async with AsyncExitStack() as stack:
            stack.push_async_callback(tear_down, bootstrap)
            async with Session(bootstrap, source="console") as kafka:
                await kafka.publish(SETTINGS, [people.TENANT])
            for module, more in (("ledger", []), ("console", ["--port-file", str(port_file)])):
                logs = folder / module
                logs.mkdir()
                command = [PYTHON, "-m", f"services.{module}", *more]
                process = await stack.enter_async_context(running(command, logs, environment))
            await until(lambda: port_file.exists() or process.returncode is not None)
            store = Store(folder)
            stack.callback(store.close)
            users, now = Users(store), datetime.now(UTC)
            users.add("dana", "Dana", [Grant(ANY, ANY, Role.ADMIN)], now)
            session_id = Sessions(store, users).begin("dana", now)
            yield _House(int(port_file.read_text()), process.pid, session_id)


async def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        broker = EmbeddedBroker(Path(folder), ephemeral=True)
        await asyncio.to_thread(broker.start)
        try:
            found = await measure(broker.bootstrap)
        finally:
            await asyncio.to_thread(broker.stop)
    p99 = statistics.quantiles(found.seconds, n=100, method="inclusive")[-1]
    print(
        f"{STREAMS} streams: {found.idle_percent:.1f} % of a core, without {found.without_percent:.1f} %"
    )
    print(f"a change is told within {statistics.median(found.seconds):.2f} s, p99 {p99:.2f} s")


if __name__ == "__main__":
    asyncio.run(_main())
