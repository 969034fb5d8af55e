"""Requests under ids that may have been used before: what the ledger says of them, and what is
published."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from schemas.person import PersonRequest
from schemas.send_request import SendRequest
from schemas.topics import PERSON_REQUESTS, SEND_REQUESTS
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.operations.submission import (
    Known,
    compare_with_known,
    submit_request,
    submit_requests,
)
from streams.gate.messages import fingerprint
from tests.adapters.case_ledger import KeepingSession
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import ANA, make_decision, make_request


def to_number(**changed: Any) -> SendRequest:
    _, request = make_request("m1", NOON)
    return SendRequest.model_validate(request.model_dump(exclude_none=True) | changed)


def to_person(**changed: Any) -> PersonRequest:
    said = {
        "message_id": "m1",
        "tenant": "acme",
        "person_id": "p1",
        "body": "hello",
        "kind": "reminder",
        "requested_at": NOON,
    }
    return PersonRequest.model_validate(said | changed)


LATER = NOON.replace(minute=NOON.minute + 1)
CHANGES = [
    pytest.param({}, Known.SAME, id="word for word"),
    pytest.param({"requested_at": LATER, "requested_by": "eve"}, Known.SAME, id="again"),
    pytest.param({"to": "+1 (415) 555-0101"}, Known.SAME, id="the number in other signs"),
    pytest.param({"body": "Hello"}, Known.ANOTHER, id="another text"),
    pytest.param({"to": "+14155550102"}, Known.ANOTHER, id="another number"),
    pytest.param({"kind": "direct"}, Known.ANOTHER, id="another kind"),
    pytest.param({"not_before": LATER}, Known.ANOTHER, id="another time"),
    pytest.param({"test_mode": True}, Known.ANOTHER, id="in test mode"),
    pytest.param({"message_id": "m2"}, Known.NEW, id="another id"),
    pytest.param({"tenant": "bolt"}, Known.NEW, id="another tenant"),
]


@pytest.mark.parametrize(("changed", "known"), CHANGES)
def test_an_id_names_one_request(changed: dict[str, Any], known: Known, tmp_path: Path) -> None:
    fill_ledger(tmp_path, (SEND_REQUESTS, to_number()), make_decision("m1"))
    ledger = Ledger.open(tmp_path / FILE)
    assert compare_with_known(ledger, [to_number(**changed)]) == [known]
    ledger.close()


def test_of_a_request_for_a_person_what_people_issued_is_no_other(tmp_path: Path) -> None:
    resolved = {"person_id": "p1", "request_id": "m1", "received_at": NOON}
    issued = to_number(body="hello", person_id="p1", resolved=resolved)
    fill_ledger(tmp_path, (SEND_REQUESTS, issued), (PERSON_REQUESTS, to_person()))
    ledger = Ledger.open(tmp_path / FILE)
    given = [to_person(), to_person(body="Bye"), to_number(body="hello", person_id="p1")]
    assert [compare_with_known(ledger, [one]) for one in given] == [
        [Known.SAME],
        [Known.ANOTHER],
        [Known.ANOTHER],
    ]
    ledger.close()


def test_the_gates_decision_tells_where_the_request_is_gone(tmp_path: Path) -> None:
    fill_ledger(tmp_path, make_decision("m1", fingerprint=fingerprint(to_number())))
    ledger = Ledger.open(tmp_path / FILE)
    given = [to_number(), to_number(body="Bye"), to_person()]
    assert [compare_with_known(ledger, [one]) for one in given] == [
        [Known.SAME],
        [Known.ANOTHER],
        [Known.ANOTHER],
    ]
    ledger.close()


def test_a_batch_is_compared_with_itself_and_published_once(tmp_path: Path) -> None:
    fill_ledger(tmp_path, (SEND_REQUESTS, to_number(message_id="old")))
    ledger = Ledger.open(tmp_path / FILE)
    published: list[tuple[str, Any]] = []
    batch = [
        to_number(),
        to_number(requested_by="eve"),
        to_number(body="Bye"),
        to_person(message_id="m3"),
        to_number(message_id="old"),
    ]
    kafka: Any = KeepingSession(published, "acme")
    known = asyncio.run(submit_requests(kafka, ledger, batch))
    assert known == [Known.NEW, Known.SAME, Known.ANOTHER, Known.NEW, Known.SAME]
    assert [(topic, one.message_id, getattr(one, "to", None)) for topic, one in published] == [
        ("sms.send-requests", "m1", ANA),
        ("sms.person-requests", "m3", None),
    ]
    ledger.close()


def test_nothing_new_is_published_for_a_repeat(tmp_path: Path) -> None:
    fill_ledger(tmp_path, (SEND_REQUESTS, to_number()))
    ledger = Ledger.open(tmp_path / FILE)
    published: list[tuple[str, Any]] = []
    kafka: Any = KeepingSession(published, "acme")
    assert asyncio.run(submit_request(kafka, ledger, to_number())) is Known.SAME
    assert published == []
    ledger.close()
