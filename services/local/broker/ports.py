"""Choose a loopback port that is still ours after a restart."""

from __future__ import annotations

import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"

OURS: Final = range(20_000, 30_000)
"""Below what Linux (32768) and macOS (49152) hand out to outgoing connections: such a port could be taken by any
client between two starts, and a client that knocks before the broker listens could even connect to itself."""


def is_free(port: int) -> bool:
    with socket.socket() as knock:
        knock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            knock.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(*, before: int | None = None, avoid: int | None = None) -> int:
    """The port used `before` when it is free, else another one."""
    if before and before != avoid and is_free(before):
        return before
    return next(port for port in random.sample(OURS, len(OURS)) if port != avoid and is_free(port))
