"""The inbox and a conversation: who waits, what was said, and what staff do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from schemas.send_request import SendRequest
from schemas.thread import Answered, Assigned, MovedToCase, NoAnswerNeeded, NoteAdded
from services.console.pages.undo import UNDO_SECONDS
from services.console.viewer import Role
from services.ledger.ledger import FILE
from tests.adapters.case_ledger import LUIS, MARIA, NOW, Office
from tests.adapters.test_thread_commands import Talk
from tests.console.harness import Harness, console_on

HTMX = {"hx-request": "true"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / FILE)
    office.settle(branches={"north": {}, "south": {}})
    office.meet("maria", "Maria Rivera", MARIA)
    office.case(branch="north")
    talk = Talk(office)
    talk.wrote("in-1", "Can my brother come?", 20)
    talk.stands("in-1", 20)
    yield office
    office.ledger.close()


@pytest.fixture
def house(office: Office, tmp_path: Path) -> Iterator[Harness]:
    with console_on(tmp_path, NOW) as found:
        yield found


def find_link(client: TestClient) -> str:
    found = re.search(r'href="(/t/harbor/threads/[^"]+)"', client.get("/t/harbor/inbox").text)
    assert found is not None
    return found[1]


def fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts there."""
    form = page[page.index(f'action="{action}"') :].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form))


def reply(client: TestClient, page: str, link: str, body: str, **more: Any) -> Any:
    return client.post(f"{link}/reply", data=fields(page, f"{link}/reply") | {"body": body}, **more)


def test_the_inbox_shows_who_waits_and_what_they_wrote(house: Harness) -> None:
    page = house.signed_in(Role.STAFF).get("/t/harbor/inbox").text
    assert "Maria Rivera" in page
    assert "Can my brother come?" in page
    assert "20 min" in page


def test_the_address_of_a_conversation_holds_no_number(house: Harness) -> None:
    link = find_link(house.signed_in(Role.STAFF))
    assert MARIA.lstrip("+") not in link
    assert house.signed_in(Role.STAFF).get(link).status_code == 200


def test_a_token_of_another_tenant_or_none_is_no_page(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    for token in ("abc", "", "%00", house.app.state.tokens.write("acme", MARIA)):
        assert client.get(f"/t/harbor/threads/{token}").status_code == 404


def test_a_reply_goes_to_the_number_by_name_and_can_be_undone(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    answer = reply(client, client.get(link).text, link, "Yes, he can.", headers=HTMX)
    assert answer.status_code == 200
    [(topic, request)] = house.kafka.published
    assert isinstance(request, SendRequest)
    assert (topic, request.to, request.body) == ("sms.send-requests", MARIA, "Yes, he can.")
    assert (request.written_by, request.case_id, request.branch) == ("dana", "8841", "north")
    assert request.undo_seconds == UNDO_SECONDS
    assert request.message_id in answer.text
    [sealed] = re.findall(r'name="sent" value="([^"]+)"', answer.text)
    undone = client.post("/t/harbor/undo", data={"sent": sealed}, headers=HTMX)
    assert undone.status_code == 200
    topic, cancel = house.kafka.published[-1]
    assert topic == "sms.request-cancels"
    assert (cancel.number, cancel.message_id) == (MARIA, request.message_id)  # type: ignore[attr-defined]
    assert (
        client.post("/t/harbor/undo", data={"sent": sealed[:-2]}, headers=HTMX).status_code == 404
    )


def test_one_form_sends_one_text(house: Harness) -> None:
    """Enter held, a double click, back and send again."""
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    page = client.get(link).text
    answers = [reply(client, page, link, "Yes.", headers=HTMX) for _ in range(3)]
    assert len(house.kafka.published) == 1
    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_reply_is_held_back_when_something_newer_came(house: Harness, office: Office) -> None:
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    page = client.get(link).text
    Talk(office).wrote("in-2", "Never mind, he is ill.", 1)
    answer = reply(client, page, link, "Yes, he can.", headers=HTMX)
    assert house.kafka.published == []
    assert "Never mind, he is ill." in answer.text
    assert "Yes, he can.</textarea>" in answer.text
    again = reply(client, answer.text, link, "Get well soon.", headers=HTMX)
    assert again.status_code == 200
    assert len(house.kafka.published) == 1


def test_an_empty_reply_keeps_the_page_and_says_why(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    answer = reply(client, client.get(link).text, link, "   ")
    assert answer.status_code == 422
    assert "The text is empty" in answer.text
    assert house.kafka.published == []


@pytest.mark.parametrize(
    ("action", "words", "kind"),
    [
        ("note", "Prefers calls.", NoteAdded),
        ("answered", "Called her.", Answered),
        ("no-answer-needed", "", NoAnswerNeeded),
        ("assign", "sam", Assigned),
        ("move", "none", MovedToCase),
    ],
)
def test_what_staff_do_is_published_by_name(
    house: Harness, action: str, words: str, kind: type
) -> None:
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    form = fields(client.get(link).text, f"{link}/acts")
    data = form | {"action": action, "words": words, "inbound_id": "in-1"}
    assert client.post(f"{link}/acts", data=data).status_code == 200
    [(_, event)] = house.kafka.published
    assert isinstance(event, kind)
    assert event.by == "dana"


def test_an_opt_out_has_their_text_as_evidence(house: Harness) -> None:
    client = house.signed_in(Role.STAFF)
    link = find_link(client)
    form = fields(client.get(link).text, f"{link}/acts")
    client.post(f"{link}/acts", data=form | {"action": "no-more-texts", "inbound_id": "in-1"})
    [(topic, event)] = house.kafka.published
    assert (topic, event.action) == ("sms.consent-events", "opt_out")
    assert (event.evidence.text, event.evidence.actor) == ("Can my brother come?", "dana")


@pytest.mark.parametrize(
    ("role", "may_read", "may_write"),
    [
        (Role.STAFF, True, True),
        (Role.APPROVER, True, True),
        (Role.AUDITOR, True, False),
        (Role.ANALYST, False, False),
        (Role.OPERATOR, False, False),
    ],
)
def test_roles(house: Harness, role: Role, may_read: bool, may_write: bool) -> None:
    link = f"/t/harbor/threads/{house.app.state.tokens.write('harbor', MARIA)}"
    client = house.signed_in(role)
    assert client.get(link).status_code == (200 if may_read else 403)
    data = {"body": "hello", "form_key": "k", "seen": ""}
    refused = client.post(f"{link}/reply", data=data).status_code == 403
    assert refused is not may_write
    assert ("Your text" in client.get(link).text) is may_write


def test_another_branch_is_no_page(house: Harness) -> None:
    link = f"/t/harbor/threads/{house.app.state.tokens.write('harbor', MARIA)}"
    south = house.signed_in(Role.STAFF, tenant="harbor", branch="south")
    assert south.get(link).status_code == 404
    assert "Can my brother come?" not in south.get("/t/harbor/inbox").text
    north = house.signed_in(Role.STAFF, tenant="harbor", branch="north")
    assert north.get(link).status_code == 200


def test_what_may_be_a_stop_is_answered_by_name(house: Harness, office: Office) -> None:
    question = {"since": NOW, "opt_out_at": NOW, "event_id": "q-1", "read_by": "model"}
    office.consent(LUIS, "opted_in", in_question=question)
    client = house.signed_in(Role.STAFF)
    page = client.get("/t/harbor/inbox?tab=maybe-stop").text
    form = fields(page, "/t/harbor/inbox/questions")
    assert form["number"] == LUIS
    client.post("/t/harbor/inbox/questions", data=form | {"answer": "stop"})
    [(_, event)] = house.kafka.published
    assert (event.action, event.number, event.evidence.actor) == ("opt_out", LUIS, "dana")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello", "1 segment"),
        ("x" * 165, "5 characters fewer make it one segment"),
        ("see bit.ly/abc", "bit.ly"),
        ("price: 5 " + "\u2603" * 70, "Without"),
    ],
)
def test_the_box_says_what_a_text_costs(house: Harness, body: str, expected: str) -> None:
    answer = house.signed_in(Role.STAFF).post("/t/harbor/composing", data={"body": body})
    assert expected in re.sub(r"<[^>]+>", "", answer.text)
