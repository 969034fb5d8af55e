"""One broker per state folder: a lock that its keeper and the broker hold by an inherited descriptor.

So it is held exactly as long as either lives, whoever started them and however that one ended."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from services.kafka.errors import BrokerError

PATIENCE: Final = 15.0
"""Seconds that a broker whose starter was killed gets to end by itself."""


def claim(lock: Path) -> int:
    """An open descriptor that holds the lock.  Raises BrokerError when somebody else's broker does."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(descriptor, lock)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_held(lock: Path) -> bool:
    with lock.open("a") as file:
        return not _taken(file.fileno())


def _wait_for(descriptor: int, lock: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _taken(descriptor):
        owner = int(os.pread(descriptor, 20, 0) or b"0")
        if owner and _lives(owner):
            raise BrokerError(
                f"A broker already runs in {lock.parent}, started by process {owner}; stop that one first, or name "
                "another state folder (SAYSO_STATE)."
            )
        if time.monotonic() > deadline:
            raise BrokerError(
                f"A broker whose starter (process {owner}) is gone still holds {lock}; end it first."
            )
        time.sleep(0.02)


def _taken(descriptor: int) -> bool:
    """Whether the lock could be taken, which it then is."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
