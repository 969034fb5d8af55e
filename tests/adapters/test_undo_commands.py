"""Texts by hand that can be withdrawn: what the commands publish, and what a cancel makes of them,
also where people have found the number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.person import PersonCancel, PersonRequest
from schemas.send_request import CancelRequest
from schemas.topics import DECISIONS, PERSON_REQUESTS
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.operations.case_text import (
    build_direct_text,
    build_direct_withdrawal,
    name_direct_text,
)
from services.operations.cases import find_case
from services.operations.requests import (
    build_cancel,
    build_withdrawal,
    final_result,
    find_cancelable,
)
from tests.adapters.case_ledger import MARIA, NOW, Office, open_office
from tests.adapters.ledger_messages import make_decision
from tests.adapters.test_consent_audit import NOON, PHONE, ConsentFiller
from tests.adapters.test_doubt_and_cancel import opened, outcome, request
from tests.adapters.test_thread_commands import furnish


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    made = open_office(tmp_path, monkeypatch)
    talk = furnish(made)
    talk.wrote("SM1", "Which room?", 50)
    talk.stands("SM1", 50)
    yield made
    made.store.close()


@pytest.fixture
def books(tmp_path: Path) -> ConsentFiller:
    return ConsentFiller(tmp_path)


def test_an_answer_into_a_conversation(office: Office) -> None:
    words = ["thread", MARIA, "text", "Room 4.", "--by", "dana", "--undo-for", "10"]
    assert run(words) == 0
    (sent,) = office.sent
    assert office.published[0][0] == "sms.send-requests"
    assert {
        name: sent.get(name)
        for name in ("to", "body", "kind", "case_id", "person_id", "written_by", "undo_seconds")
    } == {
        "to": MARIA,
        "body": "Room 4.",
        "kind": "direct",
        "case_id": "8841",
        "person_id": "maria",
        "written_by": "dana",
        "undo_seconds": 10,
    }


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["text", " "], id="nothing to send"),
        pytest.param(["note", "Call her.", "--undo-for", "10"], id="a note goes nowhere"),
        pytest.param(["text", "Hello.", "--undo-for", "601"], id="too long"),
        pytest.param(["text", "Hello.", "--undo-for", "0"], id="no time at all"),
    ],
)
def test_what_cannot_be_sent_or_undone_is_refused(words: list[str], office: Office) -> None:
    assert run(["thread", MARIA, *words, "--by", "dana"]) == 2
    assert office.published == []


def test_a_text_of_a_case_names_what_to_cancel(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["text", "8841", "maria", "Room 4.", "--by", "dana", "--undo-for", "10", "--yes"]
    assert run(words) == 0
    (sent,) = office.sent
    assert (sent["type"], sent["undo_seconds"]) == ("task_scheduled", 10)
    assert "sayso cancel t-" in capsys.readouterr().out


def test_a_text_of_a_case_is_withdrawn_from_its_person(office: Office, tmp_path: Path) -> None:
    """Whether or not the case has requested it by then: people wait for it."""
    ledger = Ledger.open(tmp_path / FILE)
    about = find_case(ledger, "8841", None)
    change = build_direct_text(about, "maria", "Room 4.", "dana", NOW, 10)
    cancel = build_direct_withdrawal(change, "dana", NOW)
    ledger.close()
    assert (cancel.person_id, cancel.request_id) == ("maria", name_direct_text(change))
    assert cancel.request_id.startswith("t-")


def test_what_was_just_sent_is_withdrawn_without_the_ledger() -> None:
    said = {
        "message_id": "m1",
        "tenant": "acme",
        "person_id": "p1",
        "body": "Hello",
        "kind": "direct",
        "requested_at": NOON,
        "undo_seconds": 10,
    }
    cancel = build_withdrawal(PersonRequest.model_validate(said), "dana", NOON)
    assert isinstance(cancel, PersonCancel)
    assert (cancel.request_id, cancel.by) == ("m1", "dana")


def test_a_text_to_a_number_is_canceled_at_the_gate(books: ConsentFiller) -> None:
    request(books)
    ledger = opened(books)
    cancel = build_cancel(find_cancelable(ledger, "m1", None), "wrong", "dana", NOON)
    ledger.close()
    assert isinstance(cancel, CancelRequest)
    assert (cancel.number, cancel.message_id, cancel.by) == (PHONE, "m1", "dana")


def ask_for_person(books: ConsentFiller) -> None:
    said = {
        "message_id": "m1",
        "tenant": "acme",
        "person_id": "p1",
        "body": "hello",
        "kind": "direct",
        "requested_at": NOON,
    }
    books.add(PERSON_REQUESTS, PersonRequest.model_validate(said))


def test_a_text_that_waits_for_a_number_can_be_canceled(books: ConsentFiller) -> None:
    ask_for_person(books)
    ledger = opened(books)
    cancel = build_cancel(find_cancelable(ledger, "m1", None), "", "dana", NOON)
    ledger.close()
    assert isinstance(cancel, PersonCancel)
    assert (cancel.person_id, cancel.request_id) == ("p1", "m1")


def test_a_text_that_has_moved_with_its_person_is_canceled_where_it_is(
    books: ConsentFiller,
) -> None:
    """It was canceled at the old number, and that is not the end of it."""
    ask_for_person(books)
    resolved = {"person_id": "p1", "request_id": "m1", "received_at": NOON}
    request(books, resolved=resolved)
    outcome(books, "canceled")
    request(books, "m1:moved-2", resend_of="m1", resolved=resolved)
    outcome(books, "held", "m1:moved-2")
    ledger = opened(books)
    found = find_cancelable(ledger, "m1", None)
    cancel = build_cancel(found, "", "dana", NOON)
    ledger.close()
    assert (found.message_id, final_result(found)) == ("m1:moved-2", None)
    assert isinstance(cancel, PersonCancel)
    assert cancel.request_id == "m1"


@pytest.mark.parametrize("rule", ["withdrawn", "canceled"])
def test_the_books_say_withdrawn(rule: str, books: ConsentFiller) -> None:
    request(books)
    finding = {"rule": rule, "verdict": "cancel", "reason": "It was withdrawn by dana"}
    topic, decision = make_decision(
        "m1", NOON, tenant="acme", to=PHONE, kind="direct", verdict="cancel", findings=[finding]
    )
    assert topic is DECISIONS
    books.add(topic, decision)
    outcome(books, "canceled")
    ledger = opened(books)
    result = final_result(find_cancelable(ledger, "m1", None))
    ledger.close()
    assert result is not None
    assert (result.result, result.is_stopped) == (rule, True)
