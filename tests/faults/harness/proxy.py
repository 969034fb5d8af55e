"""A small TCP proxy before the provider, which cuts connections once a request has been written."""

from __future__ import annotations

import asyncio
import random
import re
from enum import Enum, auto
from typing import Final

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
SILENCE: Final = 30.0
"""Seconds: longer than any client waits."""


class Cut(Enum):
    """What becomes of a create call; all of them look alike to the client."""

    SWALLOWED = auto()
    """Written by the client, never seen by the provider, and the connection is reset."""
    ANSWER_LOST = auto()
    """Seen by the provider; its answer is not passed on, and the connection is reset."""
    BLACK_HOLE = auto()
    """Seen by the provider; then nothing comes any more, not even a reset."""


class Proxy:
    """`share`: of the create calls that are cut, 0 to 1; may be changed at any time."""

    def __init__(self, port: int, rng: random.Random) -> None:
        self.share, self.cuts, self._port, self._rng = 0.0, 0, port, rng
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            provider, upstream = await asyncio.open_connection("127.0.0.1", self._port)
            while asked := await _message(client):
                cut = self._fate(asked)
                if cut is Cut.SWALLOWED:
                    break
                upstream.write(asked)
                answer = await _message(provider)
                if cut is Cut.BLACK_HOLE:
                    await asyncio.sleep(SILENCE)
                if cut is not None or not answer:
                    break
                back.write(answer)
                await back.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # asyncio logs an error for a connection whose task was cancelled, which is how ours end
            pass
        finally:
            for side in (back, upstream):
                if side is not None:
                    side.transport.abort()

    def _fate(self, asked: bytes) -> Cut | None:
        """Only texts are cut off; the list is left alone."""
        if not asked.startswith(b"POST ") or self._rng.random() >= self.share:
            return None
        self.cuts += 1
        return self._rng.choice(list(Cut))


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One HTTP message with its body, as long as it announces; empty at the end of the
    connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
