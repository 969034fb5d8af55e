"""A request is taken back: before it comes, while it waits, once it is ordered, and when it
comes back."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decision import Verdict
from schemas.send import Returned
from schemas.send_request import CancelRequest
from schemas.topics import (
    CONSENT_LOG,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
    PERSON_ANSWERS,
)
from streams.gate.state import NUMBER
from streams.processing import InputRecord, Publication, UnreadableRecord
from tests.core.gate.cases import (
    DAY,
    MINUTE,
    NOON,
    OWN,
    PHONE,
    decided,
    opt_in,
    opt_out,
    played,
    request,
)
from tests.core.playing import Played, of

PEOPLE = {"person_id": "p1", "request_id": "m1", "received_at": NOON - MINUTE}


def cancel(message_id: str = "m1", **changes: Any) -> CancelRequest:
    said = {
        "tenant": "acme",
        "number": PHONE,
        "message_id": message_id,
        "by": "people",
        "reason": "moved",
        "at": NOON,
    }
    return CancelRequest.model_validate(said | changes)


def asked(**changes: Any) -> Any:
    return request(message_id="m1", person_id="p1", resolved=PEOPLE, **changes)


def answers(published: list[Publication]) -> list[tuple[str, str]]:
    return [(answer.verdict.value, answer.by) for answer in of(PERSON_ANSWERS, published)]


def ordered() -> Played:
    processor = played()
    processor.tell(opt_in())
    processor.tell(asked())
    return processor


def test_people_is_told_of_each_decision() -> None:
    processor = played()
    assert answers(processor.tell(asked())) == [("hold", "")]
    told = processor.tell(opt_in())
    assert answers(told) == [("send", "")]
    answer = of(PERSON_ANSWERS, told)[0]
    assert (answer.tenant, answer.person_id, answer.request_id, answer.message_id) == (
        "acme",
        "p1",
        "m1",
        "m1",
    )


def test_nobody_is_told_of_what_people_did_not_issue() -> None:
    processor = played()
    processor.tell(opt_in())
    processor.tell(request(message_id="m1", person_id="p1"))
    assert processor.all(PERSON_ANSWERS) == []


def test_what_waits_is_canceled_and_stays_so() -> None:
    processor = played()
    processor.tell(asked())
    told = processor.tell(cancel())
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert of(DECISIONS, told)[0].findings[0].reason == "It was canceled by people"
    later = processor.tell(opt_in(), at=NOON)
    assert decided(later) == []
    assert processor.tell(asked()) == []


def test_a_cancel_that_comes_first_waits_for_its_request() -> None:
    processor = played()
    processor.tell(opt_in())
    assert processor.tell(cancel()) == []
    told = processor.tell(asked())
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert processor.tell(asked()) == []
    assert processor.all(DISPATCH_ORDERS) == []


def test_what_is_ordered_is_taken_back_at_its_sender() -> None:
    processor = ordered()
    told = processor.tell(cancel())
    back = of(DISPATCH_CONTROLS, told)
    assert [(one.type, one.sender, one.tenant, one.message_id, one.reason) for one in back] == [
        ("cancel", OWN, "acme", "m1", "moved")
    ]
    assert decided(told) == []
    assert answers(told) == [], "people would ask again though it may have left"
    assert processor.tell(cancel()) == []


def test_people_learn_at_once_of_a_cancellation_by_staff() -> None:
    told = ordered().tell(cancel(by="m.ortiz"))
    assert answers(told) == [("cancel", "m.ortiz")]


def test_staff_overrule_people_who_would_ask_again() -> None:
    processor = ordered()
    processor.tell(cancel())
    assert answers(processor.tell(cancel(by="m.ortiz"))) == [("cancel", "m.ortiz")]
    assert answers(processor.tell(cancel())) == [], "nor do people overrule staff"
    ahead = played()
    ahead.tell(cancel())
    ahead.tell(cancel(by="m.ortiz"))
    assert answers(ahead.tell(asked())) == [("cancel", "m.ortiz")]


def test_an_order_that_comes_back_is_not_given_again() -> None:
    processor = ordered()
    order = processor.all(DISPATCH_ORDERS)[0]
    processor.tell(cancel())
    told = processor.tell(Returned(order=order, reason="out_of_time", at=NOON))
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert len(processor.all(DISPATCH_ORDERS)) == 1


def test_an_order_that_came_back_and_waits_is_canceled() -> None:
    processor = ordered()
    order = processor.all(DISPATCH_ORDERS)[0]
    processor.state.raw.pop(NUMBER)
    processor.tell(Returned(order=order, reason="out_of_time", at=NOON))
    assert decided(processor.tell(cancel())) == [("m1", "cancel", ["canceled"])]


def test_what_is_decided_otherwise_stays() -> None:
    processor = played()
    processor.tell(opt_out())
    assert decided(processor.tell(asked())) == [("m1", "reject", ["opted_out"])]
    assert processor.tell(cancel()) == []


def test_a_cancel_nobody_sends_a_request_for_is_forgotten() -> None:
    processor = played()
    processor.tell(cancel())
    processor.until(NOON + 36 * DAY)
    assert processor.state.raw == {}


def test_words_like_files_are_cut() -> None:
    processor = played()
    processor.tell(cancel(reason="x" * 900_000, by="y" * 900_000))
    assert max(map(len, processor.state.raw.values())) < 1000


def test_the_books_go_on_from_peoples_decisions() -> None:
    processor = played()
    processor.tell(
        asked().model_copy(update={"resolved": asked().resolved.model_copy(update={"decided": 3})})
    )
    decision = processor.all(DECISIONS)[-1]
    assert (decision.seq, decision.verdict, decision.request_id) == (4, Verdict.HOLD, "m1")


def test_what_people_held_for_long_is_not_stale() -> None:
    processor = played(now=NOON + 20 * DAY)
    told = processor.tell(asked(requested_at=NOON - MINUTE))
    assert decided(told) == [("m1", "hold", ["not_opted_in"])]
    assert decided(processor.until(NOON - MINUTE + 30 * DAY)) == [
        ("m1", "expire", ["not_opted_in", "held_too_long"])
    ]


def test_a_cancel_that_cannot_be_read_blocks_nobody() -> None:
    processor = played()
    processor.tell(opt_in())
    record = InputRecord(
        UnreadableRecord(cause="bad_value", reason=""), "sms.request-cancels", 0, 7, 0
    )
    assert processor.process(processor.state, record, processor.now, processor.settings).state == {}
    assert len(processor.all(CONSENT_LOG)) == 1


# --- whose switch counts


def switch(person: str, on: bool | None = None, *, left: bool = False) -> Any:
    from schemas.person import NumberFact

    return NumberFact(
        tenant="acme", number=PHONE, person_id=person, sms_enabled=on, left=left, at=NOON
    )


SWITCHES: list[Any] = [
    pytest.param([switch("a", True)], "send", id="on"),
    pytest.param([switch("a", False)], "reject", id="off"),
    pytest.param(
        [switch("a", False), switch("b", True)], "send", id="off for one, on for the other"
    ),
    pytest.param(
        [switch("a", False), switch("b", True), switch("b", left=True)],
        "reject",
        id="the other left",
    ),
    pytest.param([switch("a", False), switch("a", left=True)], "send", id="nobody's any more"),
    pytest.param([switch("a", False), switch("a", True)], "send", id="on again"),
]


@pytest.mark.parametrize(("records", "verdict"), SWITCHES)
def test_a_number_is_off_while_everybody_has_it_off(records: list[Any], verdict: str) -> None:
    processor = played()
    processor.tell(opt_in())
    for record in records:
        processor.tell(record)
    assert decided(processor.tell(request(message_id="m1")))[0][1] == verdict


def test_persons_switches_do_not_count_for_picked_numbers() -> None:
    """The fact that turned it on may be read after the request."""
    processor = played()
    processor.tell(opt_in())
    processor.tell(switch("p1", False))
    assert decided(processor.tell(asked()))[0][1] == "send"
