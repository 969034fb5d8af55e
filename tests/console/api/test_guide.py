"""Every example of the guide, run as it stands but for the port."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.console.api.world import world_on

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "api.md"
CALL = re.compile(r"^\$ (curl (?:[^\n]|\n {4})*)\n(\{.*\})?", re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_each_call_does_what_the_guide_says(tmp_path: Path) -> None:
    calls = CALL.findall(GUIDE.read_text())
    assert len(calls) > 8
    with world_on(tmp_path) as world:
        for call, answer in calls:
            command = call.replace("http://127.0.0.1:8430", world.url)
            command = command.replace("crm.example", "8.8.8.8")  # there is no DNS here
            command = command.replace("curl -sS", "curl -sS --fail-with-body", 1)
            done = subprocess.run(
                ["sh", "-euc", f"KEY={world.key}\n{command}"],
                check=False,
                capture_output=True,
                timeout=60,
            )
            assert done.returncode == 0, (call, done.stdout, done.stderr)
            if answer:
                assert json.loads(done.stdout) == json.loads(answer), call
