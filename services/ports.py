"""TCP ports: choose a free one, explain why one cannot be bound, announce the one that is bound."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"

RANGE: Final = range(20_000, 30_000)
"""Below the ephemeral ports of Linux (from 32768) and macOS (from 49152).

Any client could take an ephemeral port between two starts of a server. A client that connects
before the server listens could even connect to itself.
"""

_BIND_ERRORS: Final = {
    errno.EADDRINUSE: (
        "Port {port} is taken on {host}: end what listens there, or name another port by {setting}"
    ),
    errno.EACCES: (
        "Port {port} wants rights that this user does not have: name one above 1023 by {setting}"
    ),
    errno.EADDRNOTAVAIL: (
        "{host} is no address of this machine: nothing can listen on its port {port}"
    ),
}
_OTHER_BIND_ERROR: Final = "Port {port} on {host}, by {setting}, cannot be had: {strerror}"


class CannotListen(Exception):
    """One sentence: which port cannot be bound, and what to do."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(*, preferred: int | None = None, avoid: int | None = None) -> int:
    """The preferred port if it is free, else another free one."""
    if preferred and preferred != avoid and is_free(preferred):
        return preferred
    candidates = random.sample(RANGE, len(RANGE))
    return next(port for port in candidates if port != avoid and is_free(port))


@contextmanager
def explain_bind_errors(host: str, port: int, setting: str) -> Iterator[None]:
    """Wrap the call that binds the port. `setting` is where the user named it.

    Raises CannotListen.
    """
    try:
        yield
    except OSError as error:
        sentence = _BIND_ERRORS.get(error.errno or 0, _OTHER_BIND_ERROR)
        raise CannotListen(
            sentence.format(port=port, host=host, setting=setting, strerror=error.strerror)
        ) from None


def announce_port(file: Path, port: int) -> None:
    """Tell whoever started this process that it listens, and where.

    The file appears whole, so a process that waits for it never reads half of it.
    """
    draft = file.with_name(file.name + ".new")
    draft.write_text(str(port))
    draft.replace(file)
