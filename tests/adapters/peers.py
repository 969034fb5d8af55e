"""Servers that answer with bytes: well-formed, broken, late, or not at all."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Peer:
    """One connection, seen from the server."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[bytes]
    ) -> None:
        self._reader, self._writer, self._requests = reader, writer, requests

    async def request(self) -> bytes:
        """The next request as it was written, also noted by the server; raises
        IncompleteReadError when the client has closed."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        lengths = [
            line[16:]
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length: ")
        ]
        request = head + await self._reader.readexactly(int(lengths[0]) if lengths else 0)
        self._requests.append(request)
        return request

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    async def spell(self, data: bytes) -> None:
        """One byte at a time."""
        for place in range(len(data)):
            self.say(data[place : place + 1])
            await asyncio.sleep(0)

    def shut(self) -> None:
        """Close at once, without waiting for the event loop."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    @property
    def _socket(self) -> asyncio.trsock.TransportSocket:
        known: asyncio.trsock.TransportSocket = self._writer.get_extra_info("socket")
        return known


Play = Callable[[Peer], Awaitable[None]]


class Server:
    def __init__(self, port: int, tls: bool) -> None:
        self.port = port
        self.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        self.peers: list[Peer] = []
        self.requests: list[bytes] = []
        self.ended = 0


@asynccontextmanager
async def peers(play: Play, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """`play` is called for each connection, which ends with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(reader, writer, server.requests)
        server.peers.append(peer)
        try:
            await play(peer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass  # gone, or the test is over
        finally:
            server.ended += 1
            tasks.discard(task)
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    server = Server(listening.sockets[0].getsockname()[1], tls is not None)
    try:
        yield server
    finally:
        listening.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()
        await asyncio.sleep(0)


def answering(*answers: bytes) -> Play:
    """Each connection answers one request after the other, the last answer for ever."""

    async def play(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            peer.say(answer)
        while True:
            await peer.request()
            peer.say(answers[-1])

    return play


def ok(body: bytes = b"hello", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)
