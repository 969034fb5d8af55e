"""Servers that answer a POST in ways that no API would."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    """Whatever is asked of it, `answer` answers."""
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def nobody_listens() -> str:
    """An address where a connection is refused."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class Door:
    """`open` lets in who waits; `said` is all that they say."""

    def __init__(self, listener: socket.socket, waiting: list[socket.socket]) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.said = b""
        self._listener, self._waiting = listener, waiting

    def open(self) -> asyncio.Task[None]:
        """Those who stood before it go away; the next try of whoever waits behind them (a second
        later) gets in."""
        for one in self._waiting:
            one.close()
        self._listener.setblocking(False)
        return asyncio.create_task(self._let_in())

    async def _let_in(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            visitor, _ = await loop.sock_accept(self._listener)
            with visitor:
                while heard := await loop.sock_recv(visitor, 1 << 16):
                    self.said += heard


@asynccontextmanager
async def slow_door() -> AsyncIterator[Door]:
    """A listener whose queue of connections is full, until it is opened."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        await asyncio.sleep(0.05)
        try:
            yield Door(listener, waiting)
        finally:
            for one in waiting:
                one.close()


@asynccontextmanager
async def full_house() -> AsyncIterator[str]:
    """A listener whose queue of connections is full: the next one is neither made nor refused."""
    async with slow_door() as door:
        yield door.url
