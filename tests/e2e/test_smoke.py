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
    by_staff = 4  # two wait for an approval, one is for a wrong number, one is sent again
    of_cases = 11  # a task and a reminder for each of five parties, and a task in another case
    asked = 120 + by_staff + of_cases
    assert told["requests"] == asked
    assert {"delivered", "held", "rejected", "expired", "undelivered", "failed"} <= set(
        told["states"]
    )
    assert sum(told["states"].values()) == asked + told["started"]
    assert told["started"] > 0
    assert sum(row["messages"] for row in told["usage"]) == sum(told["states"].values())
    fates = {fate["message_id"]: fate["state"] for fate in told["fates"]}
    assert fates[told["staff"]["approved"]] == "delivered"
    assert fates[told["staff"]["rejected"]] == "rejected"
    assert [check["says"] for check in told["checks"] if not check["holds"]] == []
    became = {line["who"]: line["state"] for line in told["story"] if line["text_id"]}
    assert became == {
        "Ana": "delivered",
        "Luis": "delivered",
        "Marta": "rejected",  # she said STOP
        "Ben": "held",  # he never answers
        "Walt": "held",  # he has no mobile
        "Grace": "delivered",  # somebody approved it
    }
