"""The main job, as a user runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.broker


@pytest.mark.timeout(180)
async def test_smoke_the_demo_balances_its_books(fresh_cluster: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        "demo",
        "--requests",
        "120",
        "--json",
        "--state",
        str(tmp_path),
        "--bootstrap",
        fresh_cluster,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    assert told["ok"]
    asked = (
        120 + 4
    )  # two that wait for an approval, one for a wrong number, one sent again to the right one
    assert told["requests"] == asked
    assert {"delivered", "held", "rejected", "expired", "undelivered", "failed"} <= set(
        told["states"]
    )
    assert sum(told["states"].values()) == asked + told["started"]
    assert told["started"] > 0
    assert all(check["holds"] for check in told["checks"])
