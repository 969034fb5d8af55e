"""A worker whose clock is off by what a file says, in seconds; read again a few times a second.

`python -m tests.faults.harness.clocked PROCESSOR ...`, as `services.workers`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

OFFSET: Final = "SAYSO_FAULTS_CLOCK"
"""The environment variable that names the file."""
LOOK_AGAIN: Final = 0.2
"""Seconds."""


def step_clock(file: Path) -> Callable[[], float]:
    """Seconds since 1970, and so many more or fewer."""
    seen = {"offset": 0.0, "at": float("-inf")}

    def clock() -> float:
        now = time.monotonic()
        if now - seen["at"] > LOOK_AGAIN:
            seen.update(offset=float(file.read_text()), at=now)
        return time.time() + seen["offset"]

    return clock


if __name__ == "__main__":
    from services.workers.__main__ import main

    sys.exit(main(clock=step_clock(Path(os.environ[OFFSET]))))
