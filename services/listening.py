"""A port that cannot be had, in one sentence: which, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class CannotListen(Exception):
    """One sentence."""


_WHY: Final = {
    errno.EADDRINUSE: "Port {port} is taken on {host}: end what listens there, or name another port by {setting}",
    errno.EACCES: "Port {port} wants rights that this user does not have: name one above 1023 by {setting}",
    errno.EADDRNOTAVAIL: "{host} is no address of this machine: nothing can listen on its port {port}",
}


@contextmanager
def listening(host: str, port: int, setting: str) -> Iterator[None]:
    """Around what binds it; `setting` is where the port was said.  Raises CannotListen."""
    try:
        yield
    except OSError as error:
        words = _WHY.get(
            error.errno or 0, "Port {port} on {host}, by {setting}, cannot be had: {strerror}"
        )
        said = words.format(port=port, host=host, setting=setting, strerror=error.strerror)
        raise CannotListen(said) from None
