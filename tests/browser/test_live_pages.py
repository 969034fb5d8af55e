"""Pages that go on by themselves: a connection that was cut, a ledger that was rebuilt under an open
page, a part that is replaced while somebody works in it, an event that is moved."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from schemas.topics import SEND_REQUESTS
from tests.browser.conftest import SignIn
from tests.browser.stack import BrowserStack
from tests.browser.texts import TENANT, add_person, build_request, opt_in, publish

pytestmark = pytest.mark.broker

SILENCE = 40_000
"""Milliseconds in which a page notices that it hears nothing: ten seconds, on a busy machine."""
LIST = f"/t/{TENANT}/messages"


def ask_to_approve(stack: BrowserStack, case: str, *messages: str) -> None:
    number = "+12125550141"
    opt_in(stack, number)
    about = {"branch": "appeals", "case_id": case}
    texts = [build_request(one, number, f"Please call us: {one}", **about) for one in messages]
    publish(stack, SEND_REQUESTS, texts)


def test_a_cut_connection_goes_on_where_it_was(stack: BrowserStack, sign_in: SignIn) -> None:
    ask_to_approve(stack, "cut", "cut-1")
    page = sign_in("ann", f"approver@{TENANT}")
    page.goto(f"{stack.url}{LIST}?case=cut")
    expect(page.get_by_text("Please call us: cut-1")).to_be_visible()
    banner = page.get_by_text("This page may be out of date")
    expect(banner).to_be_hidden()
    # Offline alone leaves a stream open that is open already: the page is loaded without one.
    page.route("**/stream?*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("Please call us: cut-1")).to_be_visible()
    page.context.set_offline(True)
    ask_to_approve(stack, "cut", "cut-2", "cut-3")
    expect(banner).to_be_visible(timeout=SILENCE)
    expect(page.get_by_role("row")).to_have_count(2)
    page.unroute("**/stream?*")
    page.context.set_offline(False)
    expect(page.get_by_role("row")).to_have_count(4, timeout=SILENCE)
    expect(banner).to_be_hidden(timeout=SILENCE)


def test_a_ledger_is_rebuilt_under_an_open_page(stack: BrowserStack, sign_in: SignIn) -> None:
    """As after an upgrade that reads records otherwise."""
    ask_to_approve(stack, "anew", "anew-1")
    page = sign_in("ann", f"approver@{TENANT}")
    page.goto(f"{stack.url}{LIST}?case=anew")
    expect(page.get_by_text("Please call us: anew-1")).to_be_visible()
    with sqlite3.connect(stack.state / "ledger.sqlite", timeout=30) as ledger:
        before = ledger.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
        ledger.execute("UPDATE meta SET value = 'older' WHERE name = 'version'")
    ledger.close()
    ask_to_approve(stack, "anew", "anew-2")
    expect(page.get_by_text("Please call us: anew-2")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Please call us: anew-1")).to_be_visible()
    with sqlite3.connect(stack.state / "ledger.sqlite", timeout=30) as ledger:
        after = ledger.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
    ledger.close()
    assert after > before


def test_a_replaced_row_keeps_the_focus(stack: BrowserStack, sign_in: SignIn) -> None:
    """Its list is drawn anew while somebody stands on the link of one of its rows."""
    ask_to_approve(stack, "stay", "stay-1")
    page = sign_in("ann", f"approver@{TENANT}")
    page.goto(f"{stack.url}{LIST}?case=stay")
    link = page.get_by_role("link", name="Please call us: stay-1")
    link.focus()
    search = page.get_by_role("searchbox")
    ask_to_approve(stack, "stay", "stay-2")
    expect(page.get_by_role("row")).to_have_count(3)
    expect(link).to_be_focused()
    search.press_sequentially("pass")
    ask_to_approve(stack, "stay", "stay-3")
    expect(page.get_by_role("row")).to_have_count(4)
    expect(search).to_be_focused()
    search.press_sequentially("port")
    expect(search).to_have_value("passport")


def test_an_event_is_moved_with_its_texts_shown(stack: BrowserStack, sign_in: SignIn) -> None:
    number = "+12125550142"
    opt_in(stack, number)
    add_person(stack, "max", "Max Roth", number)
    day = datetime.now(UTC).date() + timedelta(days=20)
    stack.run("case", "open", "roth", "-t", TENANT, "--title", "In re Roth", "-y")
    stack.run("case", "party", "add", "roth", "max", "-t", TENANT, "-y")
    save = ("case", "event", "save", "roth", "h1", "-t", TENANT, "-y", "--title", "Hearing")
    stack.run(*save, "--at", f"{day}T09:00", "--remind", "3 days before")
    stack.run("case", "launch", "roth", "-t", TENANT)
    page = sign_in("ann", f"staff@{TENANT}")
    page.get_by_role("link", name="Cases").click()
    page.get_by_role("link", name="In re Roth").click()
    page.get_by_role("link", name="Move or change").click()
    later = day + timedelta(days=7)
    page.get_by_label("Day", exact=True).fill(f"{later}")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("heading", name="What saving it would do")).to_be_visible()
    expect(page.get_by_role("deletion").first).to_contain_text("9:00 AM")
    expect(page.get_by_role("insertion").first).to_contain_text("9:00 AM")
    page.get_by_role("button", name="Save the event").click()
    expect(page.get_by_role("heading", name="In re Roth")).to_be_visible()
    shown = re.compile(rf"{later:%a} {later.day} {later:%b %Y}, 09:00")
    expect(page.get_by_text(shown)).to_be_visible()
    assert f"{later}T09:00" in stack.run("case", "show", "roth", "-t", TENANT, "--json")
    # The same by dragging: the page shows first what it would do.
    page.get_by_role("link", name="Calendar").click()
    earlier = later - timedelta(days=1)
    page.get_by_role("link", name="09:00 Hearing").drag_to(page.locator(f'[data-day="{earlier}"]'))
    expect(page.get_by_role("heading", name="What saving it would do")).to_be_visible()
    page.get_by_role("button", name="Save the event").click()
    expect(page.get_by_role("heading", name="In re Roth")).to_be_visible()
    expect(page.get_by_text(f"{earlier:%a} {earlier.day} {earlier:%b %Y}, 09:00")).to_be_visible()
