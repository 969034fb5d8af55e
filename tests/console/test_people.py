"""People as staff see and change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from schemas.topics import CONSENT_EVENTS, PERSON_EVENTS
from services.console.number_tokens import NumberTokens
from services.console.viewer import Role
from services.ledger import person_pages
from tests.console.harness import Harness
from tests.console.people_ledger import ANA, BEN, LUIS, MARTA, people_console

PEOPLE = "/t/harbor/people"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Harness]:
    with people_console(tmp_path) as found:
        yield found


def names(page: str) -> list[str]:
    return re.findall(r'id="person-([a-z]+)"', page)


def number_page(office: Harness, person_id: str, number: str) -> str:
    token = NumberTokens(office.console.store).write("harbor", number)
    return f"{PEOPLE}/{person_id}/numbers/{token}"


def post(client: TestClient, path: str, key: str = "k1", **form: str) -> int:
    data = {"form_key": key, **form}
    return client.post(path, data=data, follow_redirects=False).status_code


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ana", "ben", "luis", "marta", "walt", "zoe"]),
        ("consent=not-opted-in", ["ben", "luis"]),
        ("consent=pending", ["luis"]),
        ("consent=opted-out", ["marta"]),
        ("consent=no-texts", ["walt", "zoe"]),
        ("q=rivera", ["ana", "luis"]),
        ("q=STONE", ["marta", "walt"]),
        ("q=%28212%29+555-0103", ["marta"]),
        ("q=100%25", []),
        ("branch=court", ["ana", "luis"]),
        ("branch=intake", ["marta"]),
        ("branch=court&consent=pending", ["luis"]),
    ],
)
def test_people_are_found(office: Harness, query: str, found: list[str]) -> None:
    assert names(office.signed_in(Role.STAFF).get(f"{PEOPLE}?{query}").text) == found


def test_the_share_of_people_who_can_be_reached_stands_on_top(office: Harness) -> None:
    page = office.signed_in(Role.STAFF).get(PEOPLE).text
    assert "17 %" in page
    assert "can be reached: 1 of 6" in page


def test_staff_of_a_branch_see_no_people_of_others(office: Harness) -> None:
    client = office.signed_in(Role.STAFF, tenant="harbor", branch="court")
    assert names(client.get(PEOPLE).text) == ["ana", "ben", "luis", "walt", "zoe"]
    assert client.get(f"{PEOPLE}/ana").status_code == 200
    assert client.get(f"{PEOPLE}/marta").status_code == 404
    assert client.get(f"{PEOPLE}/-/import").status_code == 403
    assert post(client, f"{PEOPLE}/marta/switch", number=MARTA, act="off") == 404
    assert office.kafka.published == []


def test_a_number_says_where_its_consent_stands_and_when_one_may_ask_again(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    luis = client.get(f"{PEOPLE}/luis").text
    assert "Waiting for an answer" in luis
    assert "in 22 h 0 min" in luis
    assert "Request Opt-In" not in luis
    assert "Request Opt-In" in client.get(f"{PEOPLE}/ben").text
    history = client.get(number_page(office, "ana", ANA)).text
    assert "START" in history
    assert "sms.inbound@3:20" in history


def test_the_switch_of_a_number_is_published_with_who_did_it(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    for _ in range(2):  # a double click
        assert post(client, f"{PEOPLE}/ana/switch", number=ANA, act="off") == 303
    ((topic, event),) = office.kafka.published
    assert topic == PERSON_EVENTS.name
    assert (event.person_id, event.by) == ("ana", "dana")
    assert [(one.number, one.sms_enabled) for one in event.numbers] == [(ANA, False)]


def test_a_number_is_corrected_and_keeps_its_place(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    page = number_page(office, "ana", ANA)
    bad = client.post(f"{page}/correct", data={"form_key": "k1", "number": "555 01"})
    assert bad.status_code == 422
    assert 'value="555 01"' in bad.text
    assert post(client, f"{page}/correct", number="+1 (212) 555-0188") == 303
    ((_, event),) = office.kafka.published
    assert event.remove == (ANA,)
    assert [(one.number, one.primary) for one in event.numbers] == [("+12125550188", True)]


def test_a_yes_without_proof_is_not_recorded(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    page = number_page(office, "ben", BEN)
    assert post(client, f"{page}/consent", action="opt_in", document="n/a") == 422
    assert office.kafka.published == []
    assert post(client, f"{page}/consent", action="opt_in", document="intake-17.pdf") == 303
    ((topic, event),) = office.kafka.published
    assert topic == CONSENT_EVENTS.name
    assert (event.action, event.source, event.evidence.actor) == ("opt_in", "manual", "dana")


def test_the_proof_is_for_auditors(office: Harness) -> None:
    path = number_page(office, "ana", ANA) + "/proof.json"
    assert office.signed_in(Role.STAFF).get(path).status_code == 403
    answer = office.signed_in(Role.AUDITOR).get(path)
    assert answer.json()["format"] == "sayso.consent-proof.v1"
    assert ANA not in answer.headers["content-disposition"]


def test_a_number_of_somebody_else_is_no_page_of_this_person(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    assert client.get(number_page(office, "ana", LUIS)).status_code == 404
    assert client.get(f"{PEOPLE}/ana/numbers/nonsense").status_code == 404


def test_a_person_is_added_once(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    form = {"name": "Eva", "person_id": "eva", "number": "+12125550177"}
    assert post(client, f"{PEOPLE}/-/new", "k1", **form | {"number": "12"}) == 422
    assert post(client, f"{PEOPLE}/-/new", "k2", **form) == 303
    ((_, event),) = office.kafka.published
    assert (event.person_id, event.numbers[0].number) == ("eva", "+12125550177")
    assert post(client, f"{PEOPLE}/-/new", "k3", **form | {"person_id": "ana"}) == 303
    assert len(office.kafka.published) == 1


def test_auditors_change_nothing(office: Harness) -> None:
    client = office.signed_in(Role.AUDITOR)
    assert client.get(f"{PEOPLE}/ana").status_code == 200
    assert post(client, f"{PEOPLE}/ana/switch", number=ANA, act="off") == 403
    assert post(client, number_page(office, "ben", BEN) + "/ask") == 403


def test_a_search_that_has_to_go_on_says_so(
    office: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What many have is looked for in the order of names, some at a time."""
    monkeypatch.setattr(person_pages, "_FEW", 0)
    monkeypatch.setattr(person_pages, "_LOOKED_AT", 2)
    client = office.signed_in(Role.STAFF)
    first = client.get(f"{PEOPLE}?q=lind").text
    assert names(first) == []
    [further] = re.findall(r'href="([^"]+)" rel="next"', first)
    assert names(client.get(further.replace("&amp;", "&")).text) == ["zoe"]
