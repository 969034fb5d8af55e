"""A new member of staff finds out, without reading anything, by visible text and roles alone: why a
text was not sent, how to approve everything, what failed today."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import expect

from schemas.topics import SEND_REQUESTS
from tests.browser.conftest import SignIn
from tests.browser.stack import BrowserStack
from tests.browser.texts import TENANT, add_person, build_request, opt_in, publish

pytestmark = pytest.mark.broker


def test_why_was_this_text_not_sent(stack: BrowserStack, sign_in: SignIn) -> None:
    number = "+12125550122"
    opt_in(stack, number)
    stack.run("consent", "out", number, "-t", TENANT, "--actor", "dana")
    add_person(stack, "nia", "Nia Fox", number)
    text = build_request("nia-1", number, "Bring your passport, please.", person_id="nia")
    publish(stack, SEND_REQUESTS, [text])
    page = sign_in("new", f"staff@{TENANT}")
    page.get_by_role("link", name="SMS manager").click()
    page.get_by_role("searchbox", name="Search").fill("Nia Fox")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Outbox has 1 that match").click()
    row = page.get_by_role("row").filter(has_text="Nia Fox")
    expect(row).to_contain_text("Not sent")
    expect(row).to_contain_text("The recipient opted out")
    row.get_by_role("link", name="Bring your passport, please.").click()
    expect(page.get_by_role("heading", name="Text to Nia Fox")).to_be_visible()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(page.get_by_text("They said no to texts")).to_be_visible()
    expect(page.get_by_text("Not sent: The recipient opted out")).to_be_visible()


def test_how_do_i_approve_everything(stack: BrowserStack, sign_in: SignIn) -> None:
    numbers = ["+12125550123", "+12125550124", "+12125550125"]
    opt_in(stack, *numbers)
    texts = [
        build_request(f"all-{n}", number, "Court is on Friday at 10.", branch="appeals")
        for n, number in enumerate(numbers)
    ]
    publish(stack, SEND_REQUESTS, texts)
    page = sign_in("boss", f"approver@{TENANT}")
    page.get_by_role("link", name="SMS manager").click()
    page.get_by_role("link", name="Ready to Approve").click()
    expect(page.get_by_role("row").filter(has_text="Court is on Friday at 10.")).to_have_count(3)
    page.get_by_role("checkbox", name="All").first.check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="done.")).to_be_visible()
    expect(page.get_by_role("link", name="Ready to Approve 0")).to_be_visible()


def test_what_failed_today(stack: BrowserStack, sign_in: SignIn) -> None:
    number = "+12125550126"
    httpx2.put(f"{stack.provider}/simulator/people", json={number: "undelivered:30006"})
    opt_in(stack, number)
    add_person(stack, "lou", "Lou Landline", number)
    text = build_request("lou-1", number, "Please call us.", person_id="lou")
    publish(stack, SEND_REQUESTS, [text])
    page = sign_in("new", f"staff@{TENANT}")
    page.get_by_role("link", name="SMS manager").click()
    page.get_by_role("link", name="Failed").click()
    page.get_by_role("link", name="Today").last.click()
    row = page.get_by_role("row").filter(has_text="Lou Landline")
    expect(row).to_contain_text("Not delivered")
    expect(row).to_contain_text("30006")
    expect(row).to_contain_text("Next:")
