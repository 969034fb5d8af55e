"""The HTTP server under the console: uvicorn on our own event loop, socket and signals."""

from __future__ import annotations

import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.http_server import serve_on
from streams.memory import GC_THRESHOLDS


def spare_collector() -> None:
    """What is loaded by now stays for good. The garbage collector does not walk it any more: that
    took longer than a page, in every fiftieth page or so."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@asynccontextmanager
async def serve(app: Any, host: str, port: int, *, grace: float) -> AsyncIterator[tuple[str, int]]:
    """Yields the address and port it listens on. Raises OSError if it cannot listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        async with serve_on(
            listener, app, http="httptools", date_header=True, grace=grace
        ) as address:
            yield address
