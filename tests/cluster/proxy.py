"""A TCP proxy before a broker: it passes all on, cuts everybody off, holds one request back, or
loses its answer."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Final

from services.ports import LOOPBACK, choose_port

Hold = Callable[[int], bool]
"""Asked with the API key of each request; True holds it back, and its connection is closed."""
END_TXN: Final = 26
ADD_PARTITIONS: Final = 24
INIT_PRODUCER_ID: Final = 22


class BrokerProxy:
    """Clients are told `port`, and reach `target` through it unless it is `cut`."""

    def __init__(self, target: int = 0, port: int | None = None) -> None:
        self.port = port or choose_port()
        self.target = target
        self.hold: Hold | None = None
        self.held: list[bytes] = []
        """Whole frames that were held back, oldest first."""
        self.lose: Hold | None = None
        """As `hold`, but the broker gets the request.  Its answer is lost with the connection."""
        self.hang: frozenset[int] = frozenset()
        """API keys of requests that get lost while their connections stay open."""
        self._cut = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._abort_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Nothing gets through any more, in either direction, and nobody is told: connections stay
        open, as with a cable that was pulled."""
        self._cut = True

    def mend(self) -> None:
        """What was open while it was cut has lost bytes: it is reset.  Does nothing otherwise."""
        if self._cut:
            self._cut = False
            self._abort_all()

    async def release(self) -> None:
        """Send the oldest held frame to the broker on a connection of its own, and wait for the
        answer: what a slow network does."""
        frame = self.held.pop(0)
        reader, writer = await asyncio.open_connection(LOOPBACK, self.target)
        writer.write(frame)
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        await reader.readexactly(size)
        writer.close()

    def _abort_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(back)
        upstream: asyncio.StreamWriter | None = None
        try:
            broker, upstream = await asyncio.open_connection(LOOPBACK, self.target)
            self._open.add(upstream)
            answers = asyncio.create_task(self._pass_answers(broker, back))
            try:
                lost = await self._pass_requests(client, upstream)
            finally:
                answers.cancel()
            if lost:
                await asyncio.wait([answers])
                upstream.write(lost)
                await broker.readexactly(4)  # now it is done
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # asyncio logs an error for a connection whose task was cancelled, which is how ours end
            pass
        finally:
            self._tasks.discard(task)
            for side in (back, upstream):
                if side is not None:
                    self._open.discard(side)
                    side.transport.abort()

    async def _pass_requests(
        self, client: asyncio.StreamReader, upstream: asyncio.StreamWriter
    ) -> bytes:
        """Until a request is not passed on; the request, if only its answer is to be lost."""
        while True:
            head = await client.readexactly(4)
            frame = head + await client.readexactly(struct.unpack(">i", head)[0])
            if self._cut:
                continue
            (key,) = struct.unpack_from(">h", frame, 4)
            if self.hold is not None and self.hold(key):
                self.held.append(frame)
                return b""
            if self.lose is not None and self.lose(key):
                return frame
            if key in self.hang:
                continue
            upstream.write(frame)
            await upstream.drain()

    async def _pass_answers(self, broker: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            while data := await broker.read(1 << 16):
                if not self._cut:
                    back.write(data)
                    await back.drain()
        except OSError:
            pass
        finally:
            back.transport.abort()
