"""Nothing sticks out of any page: on the narrowest phone and on a wide screen, from right to left as
well, with names and words that are longer than anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from services.console.accounts.sessions import Sessions
from services.console.accounts.users import Users
from services.console.viewer import ANY, Grant, Role
from services.ledger.ledger import FILE
from services.ports import choose_port
from tests.browser.tour import walk
from tests.console import harness
from tests.console.api.world import serve_in_thread
from tests.console.harness import console_on
from tests.console.people_ledger import ANA, LUIS, MARTA, NOW
from tests.console.two_branches import COURT, INTAKE, TENANT, TwoBranches

LONG: Final = "Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaftschaferswessen-Smith"
TITLE: Final = f"In re {LONG} v. the Department of Everything, the Commissioner, and 41 others"
STICKS_OUT: Final = """() => {
  const root = document.documentElement, wide = root.clientWidth;
  const cut = [...document.querySelectorAll(".scroll:has(table.rows)")]
    .filter((one) => innerWidth < 700 && one.scrollWidth > one.clientWidth)
    .map((one) => "cut: " + one.textContent.trim().slice(0, 60));
  if (root.scrollWidth <= wide) return cut;
  const scrolls = (one) => {
    for (let at = one.parentElement; at && at !== root; at = at.parentElement)
      if (getComputedStyle(at).overflowX !== "visible") return true;
    return getComputedStyle(one).position === "fixed";
  };
  return [...document.querySelectorAll("body *")]
    .filter((one) => { const at = one.getBoundingClientRect(); return at.width && (at.right > wide + 1 || at.left < -1); })
    .filter((one) => !scrolls(one))
    .map((one) => one.tagName + "." + one.className + ": " + one.textContent.trim().slice(0, 60))
    .slice(0, 5).concat([String(root.scrollWidth)]);
}"""


class LongNames(TwoBranches):
    """A house in which everything is long."""

    def fill(self) -> None:
        self.settle(branches={COURT: {"name": LONG}, INTAKE: {}})
        self.add_person("ana", f"Ana {LONG}", ANA)
        self.add_person("luis", "Luis Rivera", LUIS)
        self.add_person("marta", LONG, MARTA)
        self.set_consent(LUIS, "pending", asked=timedelta(hours=2))
        self.log_start(ANA)
        parties = [
            {"person_id": "ana", "role": "client", "name": f"Ana {LONG}", "number": ANA},
            {"person_id": "luis", "role": LONG[:60], "name": "Luis Rivera", "number": LUIS},
        ]
        self.join("8842", INTAKE, "marta")
        # The tour opens the case that changed first.
        self.case(branch=COURT, title=TITLE, parties=parties, at=NOW - timedelta(days=9))
        for branch in (COURT, INTAKE):
            self.text(branch)
            self.talk(branch)
        self.ledger.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a link that signs in."""
    state = tmp_path_factory.mktemp("narrow")
    LongNames(state / FILE).fill()
    port = choose_port()
    patch = pytest.MonkeyPatch()
    patch.setattr(harness, "URL", f"http://127.0.0.1:{port}")
    with console_on(state, NOW) as found, serve_in_thread(found, [], port) as url:
        users = Users(found.console.store)
        users.add("dana", f"Dana {LONG}", [Grant(ANY, ANY, Role.ADMIN)], NOW)
        token = Sessions(found.console.store, users).make_link("dana", NOW)
        yield f"{url}/sign-in/link?token={token}"
    patch.undo()


def sign_in(browser: Browser, link: str) -> Page:
    page = browser.new_context(viewport={"width": 320, "height": 700}).new_page()
    page.set_default_timeout(60_000)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def walk_everywhere(page: Page, url: str) -> Iterator[str]:
    yield from walk(page, url, TENANT)
    for path in ("m-court", "m-court/resend", "m-court/escalate"):
        page.goto(f"{url}/t/{TENANT}/messages/{path}")
        yield path


def test_nothing_sticks_out(house: str, browser: Browser) -> None:
    page = sign_in(browser, house)
    seen, found = set[str](), dict[str, list[str]]()
    for name in walk_everywhere(page, house.partition("/sign-in")[0]):
        seen.add(name)
        for width, direction in ((320, "ltr"), (320, "rtl"), (1920, "rtl"), (1920, "ltr")):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)
            if sticks_out := page.evaluate(STICKS_OUT):
                found[f"{name} {width} {direction}"] = sticks_out
    page.context.close()
    assert not found
    assert {"case", "case-event", "case-calendar", "thread", "person", "not-found"} <= seen
    assert len(seen) > 25
