"""`sayso up` as a person sees it: it starts, serves, mends itself, stops in order, and leaves
nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

SAYSO = [sys.executable, "-m", "services.cli"]
NUMBER, OTHER = "+12125550123", "+12125550124"


def environment(**more: str) -> dict[str, str]:
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAYSO_", "TWILIO_"))
    }
    return ours | {"SAYSO_WEBHOOK_PORT": "0", "SAYSO_CONSOLE_PORT": "0", "NO_COLOR": "1"} | more


class Up:
    def __init__(self, state: Path) -> None:
        self.state = state
        self.said = state.with_name("said.txt")
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                [*SAYSO, "up", "--ephemeral", "--state", str(state)],
                stdout=said,
                stderr=said,
                env=environment(),
            )

    def sayso(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SAYSO, *arguments, "--state", str(self.state)],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
            timeout=60,
        )

    def wait_for(self, words: str) -> None:
        wait(lambda: words in self.said.read_text() or self.process.poll() is not None)
        assert words in self.said.read_text(), self.said.read_text()

    def children(self) -> dict[int, str]:
        """Processes that were told of this state folder, but for `up` itself."""
        return {pid: words for pid, words in living(str(self.state)) if pid != self.process.pid}


def living(word: str) -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if word.encode() in told and state != "Z":
                yield (
                    int(folder.name),
                    told.split(b"\0\0")[0].replace(b"\0", b" ").decode(errors="replace")[:300],
                )


def wait(happened: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "state")
    running.wait_for("Sayso is up")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()
    wait(lambda: not running.children(), 30)


def test_a_text_goes_out_a_room_is_mended_and_ctrl_c_ends_it_all(up: Up):
    assert (
        up.sayso(
            "consent", "in", NUMBER, "-t", "harbor", "--document", "d-1", "--actor", "ann"
        ).returncode
        == 0
    )
    sent = up.sayso(
        "send", "-t", "harbor", "--to", NUMBER, "--body", "Hello", "--message-id", "m1", "--json"
    )
    assert json.loads(sent.stdout)["message_id"] == "m1"
    wait(lambda: state_of(up, "m1") == "delivered", 30)
    assert state_of(up, "m1") == "delivered"
    assert "Everything is accounted for: 1 requested" in up.sayso("usage").stdout

    shown = up.sayso("explain", "m1").stdout
    assert NUMBER not in shown
    assert NUMBER in up.sayso("explain", "m1", "--unmask").stdout
    assert NUMBER not in up.sayso("tail", "decisions").stdout
    assert (
        json.loads(up.sayso("tail", "outcomes", "-n", "1", "--json").stdout)["message"]["state"]
        == "delivered"
    )

    second = up.sayso("up")
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith("Sayso already runs in")

    room = next(pid for pid, words in up.children().items() if "services.workers outcomes" in words)
    os.kill(room, signal.SIGKILL)
    up.wait_for("outcomes ended (signal 9) and is started again in 1 s")
    up.wait_for("outcomes is back")
    up.sayso("send", "-t", "harbor", "--to", NUMBER, "--body", "Hello again", "--message-id", "m2")
    wait(lambda: state_of(up, "m2") == "delivered", 30)
    assert state_of(up, "m2") == "delivered"

    asked, again = (
        up.sayso("consent", "ask", OTHER, "-t", "harbor", "--actor", "ann") for _ in range(2)
    )
    assert (asked.returncode, asked.stdout[:23]) == (0, "Asked: the next may go "), asked.stderr
    assert (again.returncode, again.stdout) == (1, "")
    assert "Not asked: they were asked" in again.stderr
    assert re.search("again in (24 h 0|23 h 59) min, from ", " ".join(again.stderr.split()))

    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert up.said.read_text().splitlines()[-1] == "Stopped. Its data is gone, as asked."
    assert up.children() == {}
    assert state_of(up, "m2") == "delivered", "the ledger outlives the broker"


def test_whatever_happens_to_it_nothing_stays_behind(up: Up):
    assert len(up.children()) >= 9
    up.process.kill()
    up.process.wait()
    wait(lambda: not up.children(), 30)
    assert up.children() == {}


def state_of(up: Up, message_id: str) -> str | None:
    found = up.sayso("explain", message_id, "--json")
    return (
        (json.loads(found.stdout)["outcome"] or {}).get("state") if found.returncode == 0 else None
    )
