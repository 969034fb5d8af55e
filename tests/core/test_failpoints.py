"""Where a test may have a worker killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.failpoints import POINTS, parse_failpoint

ROOT = Path(__file__).parents[2]


def test_each_failpoint_is_hit_somewhere() -> None:
    code = [*(ROOT / "streams/runtime").glob("*.py"), *(ROOT / "services").glob("[pw]*/*.py")]
    text = "\n".join(path.read_text() for path in code)
    assert [name for name in POINTS if f'"{name}"' not in text] == []
    assert len(POINTS) >= 12


def test_by_default_a_failpoint_does_nothing() -> None:
    parse_failpoint(None)("after-commit")


@pytest.mark.parametrize(
    "wish", ["nowhere", "after-commit:x", "after-commit:-1", "after-fold@", "after-fold,nowhere"]
)
def test_an_unknown_failpoint_is_refused(wish: str) -> None:
    with pytest.raises(ValueError, match="SAYSO_CRASH_AT is NAME"):
        parse_failpoint(wish)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("after-fold:3", ["0", "1", "2"]),
        ("after-fold:2@sms.b", ["0", "1", "2", "3"]),
        ("after-commit,after-fold:2", ["0", "1"]),
    ],
)
def test_the_process_is_killed_at_the_nth_time(wish: str, said: list[str]) -> None:
    """A topic is that of every second batch."""
    code = (
        "from services.failpoints import hit\n"
        "for n in range(5):\n"
        " print(n, flush=True); hit('after-fold', {'sms.b'} if n % 2 else {'sms.a'})"
    )
    given = {**os.environ, "SAYSO_CRASH_AT": wish}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout.split()) == (-signal.SIGKILL, said)
