"""What the tests run with Node: as the lock file says; the first time this asks the npm
registry, later nobody."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"


async def installed(module: str, why: str) -> Path:
    """The file of an installed package; skips where there is no Node, saying what for it is
    wanted."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"Node is missing: install Node 18.20 or newer to {why}")
    if not (MODULES / module).exists():
        process = await asyncio.create_subprocess_exec(
            "npm",
            "ci",
            "--silent",
            cwd=HERE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, f"npm ci failed: {said.decode()[-2000:]}"
    return MODULES / module
