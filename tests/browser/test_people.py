"""People, their consent, and the public pages, as a browser shows them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, SignIn
from tests.browser.stack import BrowserStack, until

pytestmark = pytest.mark.broker

SENDER = "72976"
ASKED, READY, NEVER = "+12125550161", "+12125550162", "+12125550163"
EMBEDDED, STOPPED = "+12125550164", "+12125550165"


def add_person(page: Page, name: str, number: str) -> None:
    """Ends on the person's page."""
    page.get_by_role("link", name="People").first.click()
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Id, as your own system has it").fill(name.lower().replace(" ", "-"))
    page.get_by_label("Mobile number").fill(number)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_pending_clock_turns_to_a_check_when_the_phone_answers(
    stack: BrowserStack, sign_in: SignIn
) -> None:
    page = sign_in("dana", "staff@harbor")
    add_person(page, "Clara Pending", ASKED)
    page.get_by_role("link", name="Request Opt-In").click()
    expect(page.get_by_text("Reply START to receive texts")).to_be_visible()
    page.get_by_role("button", name="Request Opt-In").click()
    expect(page.get_by_text("The opt-in request is on its way")).to_be_visible()
    page.get_by_role("link", name="Clara Pending").click()
    card = page.get_by_role("article", name="+1 212-555-0161")
    expect(card.get_by_text("Waiting for an answer")).to_be_visible()
    expect(card.get_by_text("May be asked again in")).to_be_visible()
    page.evaluate("window.kept = true")
    stack.reply(ASKED, SENDER, "START")
    expect(card.get_by_text("Opted in")).to_be_visible()
    assert page.evaluate("window.kept"), "the page was loaded again"


def test_a_new_colleague_finds_who_has_not_opted_in(stack: BrowserStack, sign_in: SignIn) -> None:
    page = sign_in("newcomer", "staff@harbor")
    add_person(page, "Rita Ready", READY)
    add_person(page, "Nora Never", NEVER)
    stack.opt_in(READY)
    page.get_by_role("link", name="People").first.click()
    page.get_by_label("Consent").select_option("Has not opted in")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Nora Never", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Rita Ready", exact=True)).to_have_count(0)


def test_a_bad_line_is_shown_before_anything_goes_in(sign_in: SignIn) -> None:
    page = sign_in("dana", "staff@harbor")
    page.get_by_role("link", name="People").first.click()
    page.get_by_role("link", name="Import", exact=True).click()
    lines = b"person_id,name,number\nimp-1,Ines Import,+12125550171\nimp-2,Otto,1.21256E+10\n"
    file = {"name": "clients.csv", "mimeType": "text/csv", "buffer": lines}
    page.get_by_label("CSV file").set_input_files(files=[file])
    page.get_by_role("button", name="Check the file").click()
    row = page.get_by_role("row", name="3 number")
    expect(row).to_contain_text("a spreadsheet has shortened it")
    page.get_by_role("button", name="Import 1 line without the bad ones").click()
    expect(page.get_by_text("1 line went in.")).to_be_visible()
    page.get_by_role("link", name="To the people").click()
    expect(page.get_by_role("link", name="Ines Import", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Otto")).to_have_count(0)


@contextmanager
def site_with(page: str) -> Iterator[str]:
    """A site of somebody else. Yields its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.replace("ORIGIN", self.headers["Host"]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


SETTINGS = """tenants:
  - tenant: formco
    name: Form & Co
    sender: "72978"
    when: {{quiet_hours: none}}
    forms:
      contact: {{title: Texts from Form & Co, frame_origins: ["{origin}"]}}
senders:
  - {{sender: "72978", kind: short_code, owner: formco}}
"""


def test_a_form_works_inside_of_the_named_site_and_of_no_other(
    stack: BrowserStack, browser: Browser, tmp_path: Path
) -> None:
    form = f"{stack.url}/forms/formco/contact"
    frame = (
        f'<h1>Contact us</h1><iframe title="form" src="{form}" width="600" height="560"></iframe>'
    )
    with site_with(frame) as named, site_with(frame) as other:
        file = tmp_path / "formco.yaml"
        file.write_text(SETTINGS.format(origin=named))
        stack.run("tenants", "apply", str(file))
        stack.run("senders", "apply", str(file))
        with browser.new_context() as context:
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            until(lambda: (answer := page.request.get(form)) is not None and answer.ok)
            page.goto(named)
            inside = page.frame_locator("iframe")
            inside.get_by_label("Your mobile number").fill("212 555 0164")
            inside.get_by_role("checkbox").check()
            inside.get_by_role("button", name="Send me the text").click()
            expect(inside.get_by_text("One more step")).to_be_visible()
            refused: list[str] = []
            page.on("console", lambda line: refused.append(line.text))
            page.goto(other)
            until(lambda: any("frame-ancestors" in line for line in refused))
            expect(page.frame_locator("iframe").get_by_label("Your mobile number")).to_have_count(0)
            assert context.cookies() == []
    [found] = until(lambda: stack.json("consent", "show", EMBEDDED, "-t", "formco", "--unmask"))
    [claim] = found["claims"]
    assert claim["source"] == "web_form"
    assert claim["evidence"]["url"].startswith(named)
    assert "Form & Co" in claim["evidence"]["wording"]


def test_who_opts_out_on_the_page_gets_no_more_texts(stack: BrowserStack, browser: Browser) -> None:
    stack.opt_in(STOPPED)
    until(lambda: state_of(stack, STOPPED) == "opted_in")
    with browser.new_context(java_script_enabled=False) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{stack.url}/opt-out/harbor")
        page.get_by_label("Your mobile number").fill("(212) 555-0165")
        page.get_by_role("button", name="Stop the texts").click()
        expect(page.get_by_text("It is done")).to_be_visible()
    until(lambda: state_of(stack, STOPPED) == "opted_out")
    text = ("-t", "harbor", "--to", STOPPED, "--body", "Come in.", "--message-id", "after-no-1")
    stack.run("send", *text, check=False)
    explained = until(lambda: stack.run("explain", "after-no-1", check=False))
    assert "opted_out" in explained


def state_of(stack: BrowserStack, number: str) -> str:
    [found] = stack.json("consent", "show", number, "-t", "harbor")
    return (found["status"] or {}).get("state", "")
