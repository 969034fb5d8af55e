"""A running stack, as browser tests use it: its command line, its simulated phones, its users."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2

T = TypeVar("T")


class BrowserStack:
    def __init__(self, state: Path, printed: str) -> None:
        self.state = state
        self.bootstrap = _find(r"Kafka\s+(\S+:\d+)", printed)
        self.url = _find(r"console\s+(http://[^/\s]+)", printed)
        self.provider = _find(r"provider\s+(http://\S+)", printed)

    def run(self, *arguments: str, check: bool = True) -> str:
        """A `sayso` command on this stack. Returns what it printed."""
        command = [sys.executable, "-m", "services.cli", *arguments, "--state", str(self.state)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def link(self, name: str, *roles: str) -> str:
        """The address that signs this user in once; they are added if need be."""
        options = [word for role in roles for word in ("--role", role)]
        if roles:
            self.run("users", "add", name, *options, check=False)
            self.run("users", "roles", name, *options)
        path = _find(r"(/sign-in/link\?token=\S+)", self.run("users", "link", name))
        return self.url + path

    def reply(self, number: str, to: str, body: str) -> None:
        """The simulated phone of this number texts us."""
        text = {"from": number, "to": to, "body": body}
        httpx2.post(f"{self.provider}/simulator/inbound", json=text).raise_for_status()

    def opt_in(self, number: str, tenant: str = "harbor") -> None:
        self.run(
            "consent", "in", number, "-t", tenant, "--document", "form-1.pdf", "--actor", "dana"
        )


def until(happened: Callable[[], T], seconds: float = 30) -> T:
    """The first true thing that `happened` finds."""
    end = time.monotonic() + seconds
    while True:
        found = happened()
        if found or time.monotonic() > end:
            assert found, "it did not happen in time"
            return found
        time.sleep(0.1)


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found.group(1)
