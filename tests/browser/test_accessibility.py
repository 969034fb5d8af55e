"""axe-core finds nothing serious on any page, in light and in dark colours, wide and narrow."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from playwright.sync_api import Page

from schemas.topics import SEND_REQUESTS
from tests.browser.conftest import SignIn
from tests.browser.stack import BrowserStack, until
from tests.browser.texts import TENANT, add_person, build_request, opt_in, publish
from tests.browser.tour import STOPS, walk

pytestmark = pytest.mark.broker

HERE = Path(__file__).parent
AXE = HERE / "node_modules/axe-core/axe.min.js"
CHECK = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map((one) => ({
    id: one.id, impact: one.impact,
    where: one.nodes.map((node) => node.target.join(" ") + ": " + node.html.slice(0, 200)),
  }));
}"""
MUST_SEE = {stop.name for stop in STOPS if not stop.then} | {
    "message-failed",
    "thread",
    "case",
    "person",
}
"""What no filled stack is without."""
SERIOUS = ("serious", "critical")
COLOURS: Final = ("light", "dark")


@pytest.fixture(scope="module")
def axe() -> str:
    """As the lock file says; the first time this asks the npm registry, later nobody."""
    if not AXE.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is missing: install Node 18.20 or newer to check the pages with axe")
        subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True, timeout=120)
    return AXE.read_text()


@pytest.fixture(scope="module")
def filled(stack: BrowserStack) -> BrowserStack:
    """With something of each kind to look at."""
    wrong, right = "+12125550151", "+12125550152"
    httpx2.put(f"{stack.provider}/simulator/people", json={wrong: "undelivered:30005"})
    opt_in(stack, wrong, right)
    add_person(stack, "ada", "Ada Wong", right)
    add_person(stack, "leo", "Leo Paz", "+12125550153")
    texts = [
        build_request("axe-failed", wrong, "Please call us."),
        build_request("axe-held", "+12125550154", "Please call us."),
        build_request("axe-ready", right, "Please call us.", branch="appeals"),
    ]
    publish(stack, SEND_REQUESTS, texts)
    stack.run("case", "open", "axe", "-t", TENANT, "--title", "Wong appeal", "-y")
    stack.run("case", "party", "add", "axe", "ada", "-t", TENANT, "-y")
    stack.run("case", "party", "add", "axe", "leo", "-t", TENANT, "-y")
    task = ("case", "task", "add", "axe", "t1", "--to", "client", "-t", TENANT, "-y")
    stack.run(*task, "--body", "Bring your papers.")
    event = ("case", "event", "save", "axe", "h1", "-t", TENANT, "-y", "--title", "Hearing")
    stack.run(*event, "--at", "2027-03-02T09:00", "--remind", "3 days before")
    stack.reply(right, "72976", "May I bring my brother?")
    until(lambda: "undelivered" in str(stack.json("explain", "axe-failed", "-t", TENANT)))
    return stack


def look(page: Page, axe: str, where: str) -> list[str]:
    """In both colours."""
    page.evaluate(axe)  # by the browser's debugger, which a page's policy does not bind
    faults = []
    for colours in COLOURS:
        page.emulate_media(color_scheme=colours)
        found: list[dict[str, Any]] = page.evaluate(CHECK)
        faults += [
            f"{where}, {colours}: {one['id']} ({one['impact']}) at {place}"
            for one in found
            if one["impact"] in SERIOUS
            for place in one["where"]
        ]
    return faults


def test_no_page_has_a_serious_fault(filled: BrowserStack, sign_in: SignIn, axe: str) -> None:
    page = sign_in("dana", f"admin@{TENANT}")
    seen, faults = [], []
    for name in walk(page, filled.url, TENANT):
        seen.append(name)
        faults += look(page, axe, name)
        page.set_viewport_size({"width": 320, "height": 700})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > 320:
            faults.append(f"{name}: at 320 pixels one has to scroll sideways to {wide}")
        page.set_viewport_size({"width": 1280, "height": 900})
    for path in ("sign-in", f"forms/{TENANT}/intake", f"opt-out/{TENANT}"):
        page.goto(f"{filled.url}/{path}")
        faults += look(page, axe, path)
    assert not faults, "\n".join(faults)
    assert set(seen) >= MUST_SEE
