"""A server between a client and the API, which fails as a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx2

from services.console.api.problems import unavailable

_HOP = {"host", "content-length", "connection"}


class Fault(Enum):
    UNAVAILABLE = auto()
    """503 with Retry-After, as the API answers without Kafka. It has not seen the call."""
    GATEWAY = auto()
    """502, as a proxy answers: no problem of RFC 9457."""
    DROP = auto()
    """The API has done the call; the connection breaks before its answer is through."""
    SILENCE = auto()
    """The same, but the connection stays."""


class FaultyServer(NamedTuple):
    url: str
    identities: list[str | None]
    """The Idempotency-Key of each try."""


@contextmanager
def fail(api: str, *faults: Fault) -> Iterator[FaultyServer]:
    """One fault for each of the first calls; the others go through."""
    left = list(faults)
    identities: list[str | None] = []
    end = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            identities.append(self.headers["Idempotency-Key"])
            fault = left.pop(0) if left else None
            if fault is Fault.UNAVAILABLE:
                told = unavailable("Kafka did not confirm.").response()
                self._answer(503, {"Retry-After": "0"}, bytes(told.body))
                return
            if fault is Fault.GATEWAY:
                self._answer(502, {}, b"<html>Bad Gateway</html>")
                return
            headers = {
                name: said for name, said in self.headers.items() if name.lower() not in _HOP
            }
            answer = httpx2.post(api + self.path, headers=headers, content=body)
            assert answer.status_code == 202
            if fault is None:
                self._answer(answer.status_code, {}, answer.content)
                return
            if fault is Fault.SILENCE:
                end.wait(30)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, said in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, said)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield FaultyServer(f"http://127.0.0.1:{server.server_port}", identities)
    finally:
        end.set()
        server.shutdown()
        thread.join()
        server.server_close()
