"""A whole stack on a real broker, and a real browser that looks at its console."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from services.settings import VARIABLES
from tests.browser.stack import BrowserStack

CHROMIUM: Final = "/usr/bin/chromium"
START: Final = 240
"""Seconds for everything to start on a busy machine."""
PATIENCE: Final = 20_000
"""Milliseconds that a page may take to show what a test waits for."""

SignIn = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser nothing is started for those who need one."""
    if Path(CHROMIUM).exists():
        return
    missing = pytest.mark.skip(reason=f"{CHROMIUM} is not installed: no browser to look with")
    for item in items:
        is_here = item.path.is_relative_to(Path(__file__).parent)
        if is_here and {"browser", "sign_in"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(missing)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserStack]:
    """`sayso up` with the sample tenant `harbor`, as a person starts it."""
    state = tmp_path_factory.mktemp("stack")
    environment = {
        name: text for name, text in os.environ.items() if name not in VARIABLES.values()
    }
    environment |= {f"SAYSO_{port}_PORT": "0" for port in ("WEBHOOK", "CONSENTS", "CONSOLE")}
    log = state / "up.log"
    command = [sys.executable, "-m", "services.cli", "up", "--ephemeral", "--state", str(state)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
    try:
        yield BrowserStack(state, _wait_for_start(process, log))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for_start(process: subprocess.Popen[bytes], log: Path) -> str:
    """What it printed."""
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        printed = log.read_text()
        if "Try, in another terminal" in printed and re.search(r"console\s+http", printed):
            return printed
        time.sleep(0.2)
    raise AssertionError(f"sayso up did not start:\n{log.read_text()}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def sign_in(stack: BrowserStack, browser: Browser) -> Iterator[SignIn]:
    """`sign_in("dana", "approver@harbor")`: a page of that user, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def sign_in(name: str, *roles: str, width: int = 1280, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            timezone_id="America/New_York",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(stack.link(name, *roles))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    yield sign_in
    for context in contexts:
        context.close()
