"""A conversation with a client, in real browsers over a real broker: it is live, nothing typed is
lost, and a text leaves once or not at all."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.stack import BrowserStack, until
from tests.browser.texts import TENANT, add_person, opt_in

pytestmark = pytest.mark.broker

SENDER = "72976"
MAILBOX = "kim-team@harbor.example"
WORDS = "Yes, bring him. He waits outside."


def texts_to(stack: BrowserStack, number: str) -> list[str]:
    """What the simulated phone got, the opt-in requests included."""
    sent: Any = httpx2.get(f"{stack.provider}/simulator/messages").json()
    found = sent if isinstance(sent, list) else sent["messages"]
    return [str(one["body"]) for one in found if one["to"] == number]


def begin(stack: BrowserStack, person: str, name: str, number: str, words: str) -> None:
    """Somebody who said yes has written to us."""
    opt_in(stack, number)
    add_person(stack, person, name, number)
    until(lambda: stack.json("people", "show", person, "-t", TENANT))
    stack.reply(number, SENDER, words)


def open_thread(page: Page, name: str) -> None:
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def open_case(stack: BrowserStack, case: str, person: str) -> None:
    stack.run("case", "open", case, "-t", TENANT, "--title", "Kim appeal", "-y")
    stack.run("case", "party", "add", case, person, "-t", TENANT, "-y")
    stack.run("case", "mail", case, MAILBOX, "-t", TENANT)
    stack.run("case", "launch", case, "-t", TENANT)


def test_how_do_i_answer_a_client(stack: BrowserStack, sign_in: SignIn) -> None:
    """By visible text and roles alone, as somebody does who is new."""
    number = "+12125550131"
    begin(stack, "ina", "Ina Moss", number, "When is my appointment?")
    page = sign_in("new", f"staff@{TENANT}")
    page.get_by_role("link", name="Inbox").click()
    expect(page.get_by_role("row").filter(has_text="When is my appointment?")).to_be_visible()
    page.get_by_role("link", name="Ina Moss").click()
    page.get_by_role("textbox", name="Your text").fill("On Friday at 10, room 2.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Sent.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="On Friday at 10, room 2.")).to_be_visible()
    until(lambda: "On Friday at 10, room 2." in texts_to(stack, number))
    page.get_by_role("link", name="Inbox").first.click()
    expect(page.get_by_role("link", name="Ina Moss")).to_have_count(0)


def test_a_reply_shows_to_a_colleague_and_is_mailed(stack: BrowserStack, sign_in: SignIn) -> None:
    """Nobody reloads.  What they type, where they are, and how far they have scrolled stays."""
    number = "+12125550132"
    opt_in(stack, number)
    add_person(stack, "kim", "Kim Lee", number)
    open_case(stack, "kim-1", "kim")
    stack.reply(number, SENDER, "\n".join(f"Line {n}" for n in range(40)))
    first, second = sign_in("ann", f"staff@{TENANT}"), sign_in("sam", f"staff@{TENANT}")
    for page in (first, second):
        open_thread(page, "Kim Lee")
    box = first.get_by_role("textbox", name="Your text")
    box.press_sequentially("Half a sen")
    thread = second.get_by_role("list", name="What passed, the newest last")
    thread.evaluate("list => list.scrollTop = 7")
    stack.reply(number, SENDER, "Can my brother come with me?")
    for page in (first, second):
        expect(page.get_by_text("Can my brother come with me?")).to_have_count(1)
    expect(box).to_be_focused()
    box.press_sequentially("tence")
    expect(box).to_have_value("Half a sentence")
    assert thread.evaluate("list => list.scrollTop") == 7
    subjects = until(lambda: [one for one in stack.json("mail") if MAILBOX in str(one)])
    assert all("brother" not in str(one.get("subject")) for one in subjects)


def test_undo_within_ten_seconds(stack: BrowserStack, sign_in: SignIn) -> None:
    number = "+12125550133"
    begin(stack, "udo", "Udo Blau", number, "Where do I park?")
    page = sign_in("ann", f"staff@{TENANT}")
    open_thread(page, "Udo Blau")
    page.get_by_role("textbox", name="Your text").fill("Nowhere, sorry.")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name=re.compile(r"Undo \d+")).click()
    expect(page.get_by_text("Withdrawn: it does not go out.")).to_be_visible()
    # A later text has arrived: the one that was withdrawn had its turn, and did not go.
    page.get_by_role("textbox", name="Your text").fill("Behind the house.")
    page.get_by_role("button", name="Send").click()
    again = page.get_by_role("button", name="Send")
    if page.get_by_text("Something came since you read this").is_visible():
        again.click()
    until(lambda: "Behind the house." in texts_to(stack, number), 60)
    assert "Nowhere, sorry." not in texts_to(stack, number)


def test_held_keys_send_one_text(stack: BrowserStack, sign_in: SignIn) -> None:
    number = "+12125550134"
    begin(stack, "eva", "Eva Stone", number, "Is it open?")
    page = sign_in("ann", f"staff@{TENANT}")
    open_thread(page, "Eva Stone")
    box = page.get_by_role("textbox", name="Your text")
    box.press_sequentially("Yes")
    for _ in range(5):
        page.keyboard.down("Enter")  # from the second on they are repeats of a held key
    page.keyboard.up("Enter")
    expect(box).to_have_value("Yes" + "\n" * 5)
    box.press_sequentially("it is.")
    page.keyboard.down("Control")
    for _ in range(20):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.up("Control")
    expect(page.get_by_text("Sent.")).to_be_visible()
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    until(lambda: any("it is." in text for text in texts_to(stack, number)))
    shown = page.get_by_role("listitem").filter(has_text="it is.")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("delivered")
    assert len([text for text in texts_to(stack, number) if "it is." in text]) == 1
