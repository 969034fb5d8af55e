"""A child process dies with its parent, also when the parent is killed.

The parent keeps the writing end of a pipe open and never writes; the kernel closes it when the parent ends, however it
ends, and the child reads the end of file."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

PIPE = "SAYSO_PARENT_PIPE"
"""The environment variable that names the reading end's file descriptor."""


def watch_parent(leave: Callable[[], object] = lambda: os._exit(0)) -> None:
    """Call first in every `python -m services...`: does nothing when nobody handed us a pipe."""
    given = os.environ.get(PIPE, "")
    if given.isdecimal():
        threading.Thread(
            target=_wait, args=(int(given), leave), name="lifeline", daemon=True
        ).start()


def _wait(pipe: int, leave: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 1):
            pass
        leave()
