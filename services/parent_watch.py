"""A child process dies with its parent, also when the parent is killed.

The parent holds the writing end of a pipe open and never writes. The kernel closes it when the
parent ends, however it ends. The child then reads the end of file.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

PIPE = "SAYSO_PARENT_PIPE"
"""The environment variable that names the reading end's file descriptor."""


def watch_parent(leave: Callable[[], object] = lambda: os._exit(0)) -> None:
    """Call this first in every `python -m services...`. It does nothing where no pipe is given."""
    pipe = os.environ.get(PIPE, "")
    if pipe.isdecimal():
        watcher = threading.Thread(
            target=_wait_for_end, args=(int(pipe), leave), name="parent-watch", daemon=True
        )
        watcher.start()


def _wait_for_end(pipe: int, leave: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 1):
            pass
        leave()
