"""Sign in at a real identity provider in a browser, to a second console on the same state."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from services.settings import VARIABLES
from tests.browser.conftest import PATIENCE
from tests.browser.stack import BrowserStack
from tests.identity_provider.running import CLIENT_ID, SECRET, identity_provider

pytestmark = pytest.mark.broker


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sign_in(page: Page, url: str, login: str) -> None:
    page.goto(url)
    page.get_by_role("link", name="Use your organization's account").click()
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_an_account_of_the_organization_leads_in(
    stack: BrowserStack, browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with identity_provider([f"{url}/sign-in/oidc/callback"]) as issuer:
        environment = {
            name: text for name, text in os.environ.items() if name not in VARIABLES.values()
        } | {
            "SAYSO_STATE": str(stack.state),
            "SAYSO_BOOTSTRAP": stack.bootstrap,
            "SAYSO_CONSOLE_PORT": str(port),
            "SAYSO_OIDC_ISSUER": issuer,
            "SAYSO_OIDC_CLIENT_ID": CLIENT_ID,
            "SAYSO_OIDC_CLIENT_SECRET": SECRET,
            "SAYSO_OIDC_ROLES": "court-staff=staff@harbor",
        }
        ready = tmp_path / "ready"
        command = [sys.executable, "-m", "services.console", "--port-file", str(ready)]
        process = subprocess.Popen(command, env=environment)
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        try:
            end = time.monotonic() + 60
            while not ready.exists() or not ready.read_text():
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
            page = context.new_page()
            sign_in(page, f"{url}/t/harbor/people", "court-eve")
            expect(page.get_by_role("heading", name="People")).to_be_visible()
            expect(page.get_by_text("court-eve of the firm")).to_be_visible()
            context.clear_cookies()
            sign_in(page, url, "somebody")
            expect(page.get_by_text("Ask an admin of Sayso to add you")).to_be_visible()
        finally:
            context.close()
            process.terminate()
            process.wait(60)
