"""Why there is no broker, in one sentence."""

from __future__ import annotations

import errno
from pathlib import Path


class BrokerError(Exception):
    """Its text is one clear sentence for the person at the terminal: what is wrong, and the next step."""


class PortTaken(BrokerError):
    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by another program; end that one or name another port."
        )


def disk_full(folder: Path) -> BrokerError:
    return BrokerError(f"The disk that holds {folder} is full; free some space and start again.")


def from_os(error: OSError, folder: Path) -> BrokerError:
    """What the operating system refused, said about `folder`."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(folder)
    return BrokerError(f"{error.filename or folder} cannot be used: {error.strerror or error}.")
