"""Lists that are longer than a page: each page follows the one before, near and far, and whoever
sees one branch is given pages of it alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from schemas.dead_letter import DeadLetter
from schemas.inbound import Reply
from schemas.thread import NoteAdded
from schemas.topics import DEAD_LETTERS, REPLIES, THREAD_EVENTS
from services.console.viewer import Role
from services.ledger.entry_pages import read_entries
from services.ledger.ledger import FILE
from services.ledger.threads import Entry, read_conversation
from tests.adapters.case_ledger import MARIA, NOW, Office
from tests.adapters.test_thread_commands import Talk
from tests.console.harness import Harness, console_on

MANY = 120


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / FILE)
    office.settle(branches={"north": {}, "south": {}})
    yield office
    office.ledger.close()


@pytest.fixture
def house(office: Office, tmp_path: Path) -> Iterator[Harness]:
    with console_on(tmp_path, NOW) as found:
        yield found


def wrote(number: str, inbound_id: str, seconds: int) -> Reply:
    about: dict[str, Any] = {"tenant": "harbor", "number": number, "sender": "72975"}
    at = NOW - timedelta(days=1) + timedelta(seconds=seconds)
    evidence = {"topic": "sms.inbound", "partition": 1, "offset": seconds}
    return Reply.model_validate(
        about
        | {"provider_id": inbound_id, "body": f"Text {inbound_id}.", "received_at": at}
        | {"evidence": evidence}
    )


def walk(client: TestClient, address: str, found: str) -> list[list[str]]:
    """What the pattern finds on each page."""
    pages = []
    while True:
        page = client.get(address).text
        pages.append(re.findall(found, page))
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if following is None:
            return pages
        address = following[1].replace("&amp;", "&")


def test_cases_and_those_of_a_branch(office: Office, house: Harness) -> None:
    for number in range(MANY):
        office.case(case_id=f"case-{number:03}", branch=("north", "south")[number % 2])
    link = r'href="/t/harbor/cases/(case-\d+)"'
    pages = walk(house.signed_in(Role.STAFF), "/t/harbor/cases", link)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == MANY
    south = house.signed_in(Role.STAFF, tenant="harbor", branch="south")
    found = [name for page in walk(south, "/t/harbor/cases", link) for name in page]
    assert len(found) == MANY // 2
    assert all(int(name[-3:]) % 2 for name in found)


def test_who_waits_and_whom_a_branch_sees(office: Office, house: Harness) -> None:
    for branch in ("north", "south"):
        office.case(case_id=branch, branch=branch)
    talk = Talk(office)
    for number in range(MANY):
        cases = ([], ["north"], ["south"])[number % 3]
        talk.wrote("in-1", "Can my brother come?", number, f"+1212555{number:04}")
        talk.stands("in-1", number, f"+1212555{number:04}", cases=cases)
    pages = walk(house.signed_in(Role.STAFF), "/t/harbor/inbox", r"\+1212555(\d{4})")
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == MANY
    south = house.signed_in(Role.STAFF, tenant="harbor", branch="south")
    pages = walk(south, "/t/harbor/inbox", r"\+1212555(\d{4})")
    assert sorted(int(name) % 3 for page in pages for name in page) == [0] * 40 + [2] * 40
    assert '<span class="count">80</span>' in south.get("/t/harbor/inbox").text


def test_dead_letters(office: Office, house: Harness) -> None:
    for number in range(MANY):
        about = {"room": "gate", "topic": "sms.send-requests", "partition": 0, "offset": number}
        at = NOW - timedelta(days=1) + timedelta(minutes=number)
        told = about | {"timestamp": at, "cause": "unreadable", "reason": "It is cut", "at": at}
        office.add(DEAD_LETTERS, DeadLetter.model_validate(told))
    admin = house.signed_in(Role.ADMIN)
    pages = walk(admin, "/t/harbor/operations", r"sms\.send-requests/0@(\d+)")
    assert [int(name) for page in pages for name in page] == [*range(MANY)][::-1]


def test_a_list_of_another_kind_is_no_page(house: Harness) -> None:
    client = house.signed_in(Role.ADMIN)
    for path in ("cases?after=50", "inbox?after=50", "operations?letters=50"):
        assert client.get(f"/t/harbor/{path}").status_code == 404


def test_the_latest_of_a_conversation_are_those_of_the_whole(office: Office) -> None:
    for number in range(30):
        office.add(REPLIES, wrote(MARIA, f"in-{number % 20}", number))  # some come twice
        note = {"tenant": "harbor", "number": MARIA, "change_id": f"n-{number}", "by": "dana"}
        at = NOW - timedelta(days=2) + timedelta(hours=number)
        office.add(THREAD_EVENTS, NoteAdded.model_validate(note | {"at": at, "text": "Called"}))
    everything = read_conversation(office.ledger, "harbor", MARIA)
    assert len(everything) == 50
    assert [entry.data["provider_id"] for entry in everything if entry.kind == "in"] == [
        f"in-{number}" for number in range(20)
    ]
    latest = read_conversation(office.ledger, "harbor", MARIA, 5)
    assert latest[-5:] == everything[-5:]
    assert [one for one in latest if one.kind == "in"] == [
        one for one in everything if one.kind == "in"
    ][-5:]


def test_a_long_conversation_is_drawn_from_its_end(office: Office, house: Harness) -> None:
    for number in range(MANY):
        office.add(REPLIES, wrote(MARIA, f"in-{number}", number))
    link = f"/t/harbor/threads/{house.app.state.tokens.write('harbor', MARIA)}"
    client = house.signed_in(Role.STAFF)
    page = client.get(link).text
    assert (page.count("Text in-"), "Text in-119." in page) == (100, True)
    assert "Show earlier" in page
    [cursor] = re.findall(r"part=earlier&before=([\w%-]+)", page)
    earlier = client.get(f"{link}?part=earlier&before={cursor}").text
    assert re.findall(r"Text in-(\d+)\.", earlier) == [str(n) for n in range(MANY - 100)]
    assert "Show earlier" not in earlier
    assert client.get(f"{link}?before=x").status_code == 404
    # What came since the page was drawn is added; nothing falls out between both.
    [oldest] = re.findall(r"part=bubbles&since=([\w.%-]+)", page)
    for number in range(MANY, MANY + 30):
        office.add(REPLIES, wrote(MARIA, f"in-{number}", number))
    live = client.get(f"{link}?part=bubbles&since={oldest}").text
    assert live.count("Text in-") == 130
    assert f"before={cursor}" in live


def test_a_conversation_has_pages_that_miss_and_repeat_nothing(office: Office) -> None:
    for number in range(40):
        office.add(REPLIES, wrote(MARIA, f"in-{number % 30}", number))  # some come twice
        note = {"tenant": "harbor", "number": MARIA, "change_id": f"n-{number}", "by": "dana"}
        at = NOW - timedelta(days=2) + timedelta(hours=number)
        office.add(THREAD_EVENTS, NoteAdded.model_validate(note | {"at": at, "text": "Called"}))
    everything = read_conversation(office.ledger, "harbor", MARIA)[::-1]
    for limit in (1, 7, 500):
        found, cursor = list[Entry](), None
        while True:
            page = read_entries(office.ledger, "harbor", MARIA, cursor=cursor, limit=limit)
            found += page.rows
            cursor = page.cursor
            if cursor is None:
                break
            assert len(page.rows) == limit
        assert found == [*everything]
