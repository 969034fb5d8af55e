"""A disk small enough to be filled: a tmpfs, where we may mount one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.faults.harness.fault import NotSupported

SMALL: Final = 200 << 20
"""Bytes: enough for the broker, its topics and a few thousand texts."""


@contextmanager
def mount_small_disk(folder: Path, size: int) -> Iterator[None]:
    """Raises NotHere where mounting is not allowed (it takes root on Linux)."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise NotSupported("no mount command here") from None
    if done.returncode:
        raise NotSupported("mounting a small disk is not allowed here; it takes root on Linux")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(filler: Path, leave: int) -> None:
    """Until only `leave` bytes are free."""
    chunk = b"\0" * (64 << 10)
    with filler.open("wb", buffering=0) as file:
        while shutil.disk_usage(filler.parent).free > leave + len(chunk):
            file.write(chunk)
