"""The SMS manager in a browser: what only a browser and a real broker show."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import httpx2
import pytest
from playwright.sync_api import Page, expect

from schemas.topics import SEND_REQUESTS
from tests.browser.conftest import SignIn
from tests.browser.stack import BrowserStack, until
from tests.browser.texts import TENANT, add_person, build_request, opt_in, publish

pytestmark = pytest.mark.broker

LIST = f"/t/{TENANT}/messages"
COURT = "Court is on Tuesday at 9, room 4."


def ask_for_approvals(stack: BrowserStack, case: str, *numbers: str) -> list[str]:
    """Texts of a branch that wants them approved, one to each number."""
    opt_in(stack, *numbers)
    names = [f"{case}-{n}" for n, _ in enumerate(numbers)]
    texts = [
        build_request(name, number, COURT, branch="appeals", case_id=case)
        for name, number in zip(names, numbers, strict=True)
    ]
    publish(stack, SEND_REQUESTS, texts)
    return names


def open_case(page: Page, stack: BrowserStack, case: str, rows: int) -> None:
    """The ready box of one case, whatever else waits."""
    page.goto(f"{stack.url}{LIST}?case={case}")
    expect(page.get_by_role("row")).to_have_count(rows + 1)


def state_of(stack: BrowserStack, name: str) -> str:
    """Empty while there is none."""
    found = stack.json("explain", name, "-t", TENANT)["outcome"] or {}
    return str(found.get("state", ""))


def test_approve_all_by_the_header_box(stack: BrowserStack, sign_in: SignIn) -> None:
    """A row that comes while somebody chooses is not chosen; what was checked stays checked."""
    names = ask_for_approvals(stack, "approve-all", "+12125550111", "+12125550112")
    page = sign_in("ann", f"approver@{TENANT}")
    open_case(page, stack, "approve-all", 2)
    page.get_by_role("checkbox", name="All 2 that match").check()
    bar = page.get_by_role("form", name="What to do with the checked texts")
    expect(bar).to_contain_text("2 chosen")
    opt_in(stack, "+12125550113")
    late = build_request(
        "approve-late", "+12125550113", COURT, branch="appeals", case_id="approve-all"
    )
    publish(stack, SEND_REQUESTS, [late])
    expect(page.get_by_role("row")).to_have_count(4)
    expect(bar).to_contain_text("2 chosen")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="2 done.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(bar).to_contain_text("0 chosen")
    for name in names:
        until(lambda name=name: state_of(stack, name) == "delivered")  # type: ignore[misc]
    assert state_of(stack, "approve-late") == "held"
    page.get_by_role("row").last.get_by_role("checkbox").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="1 done.")).to_be_visible()
    until(lambda: state_of(stack, "approve-late") == "delivered")


def test_two_approvers_on_the_same_rows(stack: BrowserStack, sign_in: SignIn) -> None:
    """The second learns who was first, and when; a text that was edited says so."""
    opt_in(stack, "+12125550114", "+12125550115")
    add_person(stack, "eda", "Eda Ito", "+12125550114")
    stack.run("case", "open", "two", "-t", TENANT, "--title", "Two", "--branch", "appeals", "-y")
    stack.run("case", "party", "add", "two", "eda", "-t", TENANT, "-y")
    stack.run("case", "launch", "two", "-t", TENANT)
    task = ("case", "task", "add", "two", "t1", "--to", "client", "-t", TENANT, "-y")
    stack.run(*task, "--body", "Bring your papers.")
    text = build_request("two-1", "+12125550115", COURT, branch="appeals", case_id="two")
    publish(stack, SEND_REQUESTS, [text])
    first = sign_in("dana", f"approver@{TENANT}")
    second = sign_in("sam", f"approver@{TENANT}")
    second.route("**/stream?*", lambda route: route.abort())  # their connection is gone
    for page in (first, second):
        open_case(page, stack, "two", 2)
    stack.run(*task, "--body", "Bring your papers and your ID.")
    expect(first.get_by_text("Bring your papers and your ID.")).to_be_visible()
    first.get_by_role("row").filter(has_text=COURT).get_by_role("checkbox").check()
    first.get_by_role("button", name="Approve").click()
    expect(first.get_by_text("1 done.")).to_be_visible()
    second.get_by_role("checkbox", name="All 2 that match").check()
    second.get_by_role("button", name="Approve").click()
    said = second.get_by_role("status").filter(has_text="2 not done:")
    expect(said).to_contain_text(re.compile(r"Already approved by dana at\s+\d\d:\d\d"))
    expect(said).to_contain_text("Changed since you saw it")


def test_resend_after_correcting_the_number(stack: BrowserStack, sign_in: SignIn) -> None:
    wrong, right = "+12125550116", "+12125550117"
    httpx2.put(f"{stack.provider}/simulator/people", json={wrong: "undelivered:30005"})
    opt_in(stack, wrong, right)
    add_person(stack, "jo", "Jo Bell", wrong)
    to_jo = build_request("jo-1", wrong, "Your documents are ready.", person_id="jo", case_id="jo")
    publish(stack, SEND_REQUESTS, [to_jo])
    until(lambda: state_of(stack, "jo-1") == "undelivered")
    page = sign_in("ann", f"staff@{TENANT}")
    page.goto(f"{stack.url}{LIST}?box=failed&case=jo")
    row = page.get_by_role("row").filter(has_text="Jo Bell")
    expect(row).to_contain_text("Their carrier does not know the number")
    row.get_by_role("link", name="Correct the number").click()
    page.get_by_label("The right number").fill("212 555")
    page.get_by_role("button", name="Save and send again").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("The right number")).to_have_value("212 555")
    page.get_by_label("The right number").fill(right)
    page.get_by_role("button", name="Save and send again").click()
    expect(page.get_by_text("Number corrected, and sent again")).to_be_visible()
    page.get_by_role("link", name="See the new text").click()
    expect(page.get_by_role("heading", name="Text to Jo Bell")).to_be_visible()
    expect(page.get_by_text("It arrived.")).to_be_visible()
    expect(page.get_by_role("link", name=right)).to_be_visible()
    person = stack.json("people", "show", "jo", "-t", TENANT, "--unmask")
    assert right in str(person)
    assert wrong not in str(person)


def test_the_keyboard_is_enough(stack: BrowserStack, sign_in: SignIn) -> None:
    ask_for_approvals(stack, "keys", "+12125550118", "+12125550119")
    page = sign_in("ann", f"approver@{TENANT}")
    open_case(page, stack, "keys", 2)
    keyboard = page.keyboard
    keyboard.press("j")
    keyboard.press("j")
    keyboard.press("x")
    boxes = page.get_by_role("row").get_by_role("checkbox")
    expect(boxes.nth(2)).to_be_checked()
    expect(boxes.nth(1)).not_to_be_checked()
    keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("searchbox").blur()
    keyboard.press("k")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Text to"))).to_be_visible()


def test_a_download_has_what_the_topic_has(stack: BrowserStack, sign_in: SignIn) -> None:
    """By state, as `sayso usage` counts the outcomes."""
    page = sign_in("ann", f"staff@{TENANT}")
    page.goto(f"{stack.url}{LIST}?box=sentbox")
    page.get_by_text("Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    text = download.value.path().read_text("utf-8-sig")
    found = Counter(row["state"] for row in csv.DictReader(io.StringIO(text, newline="")))
    log = csv.DictReader(io.StringIO(stack.run("usage", "--log", "--as", "csv"), newline=""))
    sent = {"accepted", "sent", "unknown", "failed", "undelivered", "delivered", "read"}
    wanted = Counter(row["state"] for row in log if row["state"] in sent)
    assert found == wanted
    assert found["delivered"] > 0


def test_a_test_text_can_be_undone(stack: BrowserStack, sign_in: SignIn) -> None:
    opt_in(stack, "+12125550121")
    add_person(stack, "una", "Una Doe", "+12125550121")
    until(lambda: stack.json("people", "show", "una", "-t", TENANT))
    page = sign_in("ann", f"staff@{TENANT}")
    page.goto(f"{stack.url}{LIST}")
    page.get_by_role("link", name="Test SMS").click()
    page.get_by_role("searchbox", name="Person").press_sequentially("0121")
    page.get_by_role("radio", name="Una Doe").check()
    page.get_by_role("button", name="Send the test").click()
    page.get_by_role("button", name=re.compile(r"Undo \d+")).click()
    expect(page.get_by_text("Withdrawn: it does not go out.")).to_be_visible()
    sent = httpx2.get(f"{stack.provider}/simulator/messages").json()
    assert "+12125550121" not in str(sent)
