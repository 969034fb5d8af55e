"""Operations: senders, doubtful calls, dead letters; who may see what belongs to no tenant."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.dead_letter import DeadLetter
from schemas.sender import Sender
from schemas.topics import DEAD_LETTERS, SENDERS
from services.console.viewer import ANY, Role
from services.ledger.ledger import FILE
from tests.adapters.case_ledger import NOW, Office
from tests.console.harness import Harness, console_on

PATH = "/t/harbor/operations"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Harness]:
    office = Office(tmp_path / FILE)
    office.settle()
    office.add(SENDERS, Sender(sender="72975", kind="short_code", owner="harbor"))
    office.add(SENDERS, Sender(sender="24365", kind="short_code", owner="acme"))
    letter = {
        "topic": "sms.send-requests",
        "partition": 0,
        "offset": 7,
        "timestamp": NOW,
        "key": None,
        "value": "eyJ0byI6ICIrMTQxNTU1NTAxMDEifQ==",
        "headers": [],
        "room": "gate",
        "cause": "invalid",
        "reason": "message_id: Field required",
        "at": NOW,
    }
    office.add(DEAD_LETTERS, DeadLetter.model_validate(letter))
    office.ledger.close()
    with console_on(tmp_path, NOW) as found:
        yield found


def show(house: Harness, **roles: Any) -> str:
    return html.unescape(house.signed_in(Role.OPERATOR, **roles).get(PATH).text)


def test_an_operator_of_everything_sees_everything(house: Harness) -> None:
    page = show(house)
    assert "72975" in page
    assert "24365" in page
    assert "sms.send-requests/0@7" in page
    assert "Every message is accounted for" in page


def test_an_operator_of_one_tenant_sees_its_own(house: Harness) -> None:
    page = show(house, tenant="harbor")
    assert "72975" in page
    assert "24365" not in page
    assert "sms.send-requests/0@7" not in page
    client = house.signed_in(Role.OPERATOR, tenant="harbor")
    assert client.get(f"{PATH}/letters/0-1").status_code == 404
    data = {"sender": "24365", "action": "pause", "form_key": "k"}
    assert client.post(f"{PATH}/senders", data=data).status_code == 404
    assert house.kafka.published == []


def test_a_letter_is_masked_until_somebody_mends_it(house: Harness) -> None:
    client = house.signed_in(Role.OPERATOR)
    link = re.search(rf'href="({PATH}/letters/[0-9-]+)"', client.get(PATH).text)
    assert link is not None
    assert "+14155550101" not in client.get(link[1]).text
    assert "+14155550101" in html.unescape(client.get(f"{link[1]}?unmask=true").text)


def test_what_still_does_not_fit_is_named_and_kept(house: Harness) -> None:
    client = house.signed_in(Role.OPERATOR)
    link = re.search(rf'href="({PATH}/letters/[0-9-]+)"', client.get(PATH).text)
    assert link is not None
    form = {"action": "mend", "form_key": "k", "value": '{"to": "+14155550199"}'}
    answer = client.post(link[1], data=form)
    assert answer.status_code == 422
    assert "message_id" in answer.text
    assert "+14155550199" in html.unescape(answer.text)
    no_reason = client.post(link[1], data={"action": "drop", "form_key": "d"})
    assert no_reason.status_code == 422


def test_an_unknown_letter_and_action_are_no_page(house: Harness) -> None:
    client = house.signed_in(Role.OPERATOR)
    for name in ("9-9", "abc", "0-999999999999999999999"):
        assert client.get(f"{PATH}/letters/{name}").status_code == 404
    data = {"message_id": "m", "action": "burn", "form_key": "k"}
    assert client.post(f"{PATH}/doubts", data=data).status_code == 422


@pytest.mark.parametrize("role", [Role.STAFF, Role.APPROVER, Role.AUDITOR, Role.ANALYST])
def test_others_may_not_look(house: Harness, role: Role) -> None:
    assert house.signed_in(role, tenant=ANY).get(PATH).status_code == 403
