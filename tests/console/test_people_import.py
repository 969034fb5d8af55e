"""Files of people and of consents: every bad line is shown before anything is published."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from services.console.viewer import Role
from services.operations import consent_import, people, table_file
from tests.console.harness import Harness
from tests.console.people_ledger import people_console

IMPORT = "/t/harbor/people/-/import"
CLIENTS = """person_id,name,number,sms_enabled
eva,Eva,+12125550177,yes
bob,Bob,1.21256E+10,yes
cy,Cy,+12125550178,maybe
ana,Ana,+12125550101,yes
"""
CONSENTS = """number,date,source,proof
+12125550104,2025-11-03,intake,box 7
+12125550104,soon,intake,box 7
"""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Harness]:
    with people_console(tmp_path) as found:
        yield found


def upload(client: TestClient, text: str, kind: str = "people") -> str:
    """Where its preview is."""
    files = {"file": ("clients.csv", text.encode(), "text/csv")}
    answer = client.post(IMPORT, data={"kind": kind}, files=files, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_bad_lines_are_named_and_the_good_ones_go_in_when_confirmed(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    where = upload(client, CLIENTS)
    page = client.get(where).text
    assert office.kafka.published == []
    for words in ("number", "a spreadsheet has shortened it", "sms_enabled", "Say yes or no"):
        assert words in page, words
    for _ in range(2):
        done = client.post(where, data={"form_key": "k1"})
        assert "2 lines went in." in done.text
        assert "2 bad lines were left out." in done.text
    assert [event.person_id for _, event in office.kafka.published] == ["eva", "ana"]
    assert {event.by for _, event in office.kafka.published} == {"dana"}


def test_consents_are_previewed_and_imported(office: Harness) -> None:
    client = office.signed_in(Role.STAFF)
    where = upload(client, CONSENTS, "consents")
    page = client.get(where).text
    assert "date is none" in page
    client.post(where, data={"form_key": "k1"})
    ((_, event),) = office.kafka.published
    assert (event.action, event.evidence.document, event.evidence.actor) == (
        "opt_in",
        "box 7",
        "dana",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\nAna\n", "person_id"),
        ("", "not empty"),
        ("\xff\xfe\x00person_id", "UTF-8"),
        ("person_id,name\n", "nobody in it"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(office: Harness, text: str, words: str) -> None:
    client = office.signed_in(Role.STAFF)
    files = {"file": ("clients.csv", text.encode("latin-1"), "text/csv")}
    answer = client.post(IMPORT, data={"kind": "people"}, files=files)
    assert answer.status_code == 422
    assert words in answer.text
    assert str(office.state) not in answer.text


def test_a_file_is_for_the_one_who_sent_it(office: Harness) -> None:
    where = upload(office.signed_in(Role.STAFF), CLIENTS)
    other = office.signed_in(Role.STAFF, name="sam")
    assert other.get(where).status_code == 404
    assert other.post(where, data={"form_key": "k9"}).status_code == 404
    assert office.kafka.published == []


@pytest.mark.parametrize(("kind", "text"), [("people", CLIENTS), ("consents", CONSENTS)])
def test_no_page_waits_for_somebodys_file(
    office: Harness, monkeypatch: pytest.MonkeyPatch, kind: str, text: str
) -> None:
    """It is read in other threads than the one that answers everybody, up to its import."""
    reading, answering = set[int](), set[int]()
    parse, publish = table_file.open_table, office.kafka.publish

    def note_parse(*arguments: Any, **options: Any) -> Any:
        reading.add(threading.get_ident())
        return parse(*arguments, **options)

    async def note_publish(*arguments: Any) -> None:
        answering.add(threading.get_ident())
        await publish(*arguments)

    for module in (people, consent_import):
        monkeypatch.setattr(module, "open_table", note_parse)
    monkeypatch.setattr(office.kafka, "publish", note_publish)
    with office.signed_in(Role.STAFF) as client:  # one loop for all its requests
        where = upload(client, text, kind)
        client.get(where)
        client.post(where, data={"form_key": "k"})
    assert reading
    assert answering
    assert not reading & answering
