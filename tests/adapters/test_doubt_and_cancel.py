"""What is in doubt, and what a cancel came to, by what stands in the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.attempt import Attempt, AttemptState
from schemas.controls import Cancel
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.topics import ATTEMPTS, DISPATCH_CONTROLS, OUTCOMES, SEND_REQUESTS
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.message_status import list_in_doubt
from services.operations.errors import OperationError
from services.operations.requests import final_result, find_cancelable
from tests.adapters.test_consent_audit import NOON, PHONE, SECOND, ConsentFiller


def request(
    books: ConsentFiller, message_id: str = "m1", tenant: str = "acme", **more: object
) -> None:
    books.add(
        SEND_REQUESTS,
        SendRequest.model_validate(
            {
                "message_id": message_id,
                "tenant": tenant,
                "to": PHONE,
                "body": "hello",
                "kind": "direct",
                "requested_at": NOON,
                **more,
            }
        ),
    )


def attempt(
    books: ConsentFiller,
    state: str,
    number: int = 1,
    message_id: str = "m1",
    tenant: str = "acme",
    **more: object,
) -> None:
    books.add(
        ATTEMPTS,
        Attempt.model_validate(
            {
                "message_id": message_id,
                "tenant": tenant,
                "attempt": number,
                "sender": "24365",
                "to": PHONE,
                "state": AttemptState(state),
                "at": NOON,
                **more,
            }
        ),
    )


def outcome(
    books: ConsentFiller, state: str, message_id: str = "m1", tenant: str = "acme", version: int = 1
) -> None:
    books.add(
        OUTCOMES,
        Outcome(
            message_id=message_id,
            tenant=tenant,
            sender="24365",
            to=PHONE,
            kind="direct",
            requested_at=NOON,
            state=state,
            final=False,
            version=version,
            at=NOON,
        ),
    )


@pytest.fixture
def books(tmp_path: Path) -> ConsentFiller:
    return ConsentFiller(tmp_path)


def opened(books: ConsentFiller) -> Ledger:
    books.store.close()
    return Ledger.open(books.state / FILE)


def test_a_doubt_with_why_and_what_was_found(
    books: ConsentFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    attempt(books, "sending")
    attempt(books, "in_doubt", evidence=f"no answer in time from {PHONE}")
    attempt(books, "sending", 2)
    attempt(books, "in_doubt", 2, evidence="no answer in time", at=NOON + SECOND)
    attempt(
        books,
        "in_doubt",
        2,
        evidence="the list has two of these and we know of one",
        at=NOON + 2 * SECOND,
    )
    outcome(books, "in_doubt")
    request(books, "m2")
    attempt(books, "in_doubt", message_id="m2", evidence="HTTP 500", code="20500")
    attempt(books, "deferred", message_id="m4", code="unsent")
    outcome(books, "deferred", "m4")
    attempt(
        books, "in_doubt", message_id="m5", evidence="found sending at start", at=NOON + 3 * SECOND
    )
    attempt(
        books,
        "deferred",
        message_id="m5",
        code="absent",
        evidence="looked for again before it may go",
    )
    outcome(books, "deferred", "m5")
    outcome(books, "in_doubt", "m2")
    attempt(books, "in_doubt", message_id="m3")
    outcome(books, "in_doubt", "m3")
    outcome(books, "delivered", "m3", version=2)
    ledger = opened(books)
    found = list_in_doubt(ledger)
    ledger.close()
    assert [(one.message_id, one.attempt, one.evidence, one.found) for one in found] == [
        ("m2", 1, "HTTP 500; code 20500", ""),
        ("m1", 2, "no answer in time", "the list has two of these and we know of one"),
        ("m5", 1, "found sending at start", "looked for again before it may go"),
    ]
    assert run(["doubt", "list", "--state", str(books.state)]) == 0
    said = capsys.readouterr().out
    assert "nothing found out yet" in said
    assert PHONE not in said
    assert run(["doubt", "list", "--json", "--unmask", "--state", str(books.state)]) == 0
    assert [one["to"] for one in json.loads(capsys.readouterr().out)] == [PHONE] * 3
    assert run(["doubt", "list", "-t", "nobody", "--state", str(books.state)]) == 0
    assert "Nothing is in doubt" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("state", "taken_back", "result"),
    [
        pytest.param(None, False, None, id="not judged yet"),
        pytest.param("held", False, None, id="held"),
        pytest.param("queued", True, None, id="queued"),
        pytest.param("sending", True, None, id="the call is under way"),
        pytest.param("in_doubt", False, None, id="in doubt, may be sent again"),
        pytest.param("in_doubt", True, "in_doubt", id="in doubt, will not be"),
        pytest.param("canceled", True, "canceled", id="canceled"),
        pytest.param("rejected", False, "not_sent", id="rejected"),
        pytest.param("refused", False, "not_sent", id="refused"),
        pytest.param("accepted", True, "too_late", id="accepted"),
        pytest.param("delivered", False, "too_late", id="delivered"),
        pytest.param("unknown", False, "too_late", id="unknown"),
    ],
)
def test_the_result_of_a_cancel(
    books: ConsentFiller, state: str | None, taken_back: bool, result: str | None
) -> None:
    request(books)
    if state is not None:
        outcome(books, state)
    if taken_back:
        books.add(
            DISPATCH_CONTROLS, Cancel(sender="24365", tenant="acme", message_id="m1", at=NOON)
        )
    ledger = opened(books)
    word = final_result(find_cancelable(ledger, "m1", None))
    ledger.close()
    assert (word.result if word else None) == result


def test_a_canceled_text_may_have_been_requested_again(books: ConsentFiller) -> None:
    """To another number of the same person, say."""
    request(books)
    outcome(books, "canceled")
    request(books, "m1:moved-2", resend_of="m1")
    ledger = opened(books)
    word = final_result(find_cancelable(ledger, "m1", None))
    ledger.close()
    assert word is not None
    assert (word.result, "m1:moved-2" in word.sentence) == ("asked_again", True)


def test_an_ambiguous_message_is_refused(books: ConsentFiller) -> None:
    request(books)
    request(books, tenant="beta")
    ledger = opened(books)
    with pytest.raises(OperationError, match="acme, beta each have a message 'm1'"):
        find_cancelable(ledger, "m1", None)
    assert find_cancelable(ledger, "m1", "beta").tenant == "beta"
    with pytest.raises(OperationError, match="No message 'm1' is on record at gamma"):
        find_cancelable(ledger, "m1", "gamma")
    ledger.close()
