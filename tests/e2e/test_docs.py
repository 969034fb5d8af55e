"""The commands in the README do what they say."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.e2e import stage

pytestmark = pytest.mark.broker

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ \.venv/bin/sayso (.+)$", README, re.MULTILINE)
TARGETS = re.findall(
    r"^\$ make (\w+)", README + (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
)


@pytest.mark.timeout(400)
async def test_the_readmes_commands_run_in_their_order(fresh_cluster: str, tmp_path: Path) -> None:
    told = {
        **os.environ,
        "SAYSO_BOOTSTRAP": fresh_cluster,
        "SAYSO_STATE": str(tmp_path),
        "NO_COLOR": "1",
    }
    said: dict[str, str] = {}
    async with stage.staged(tmp_path, fresh_cluster):
        for command in COMMANDS:
            if command != "up":  # it is up
                said[command] = await run(command, told)
    assert "docs-1 is " in said["explain docs-1"]
    assert "72976" in said["usage"]


async def run(command: str, told: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *shlex.split(command),
        cwd=ROOT,
        env=told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"sayso {command}: {out.decode()}"
    await asyncio.sleep(1)  # as long as a person takes to type the next one
    return out.decode()


def test_the_readme_shows_commands() -> None:
    assert {"up", "usage", "explain docs-1"} <= set(COMMANDS)


@pytest.mark.parametrize("target", sorted(set(TARGETS)))
def test_what_make_is_asked_for_is_there(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
