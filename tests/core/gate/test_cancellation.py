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
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic

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
    return [(answer.verdict.value, answer.by) for answer in on_topic(PERSON_ANSWERS, published)]


def ordered() -> ProcessorHarness:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(asked())
    return processor


def test_people_is_told_of_each_decision() -> None:
    processor = gate_processor()
    assert answers(processor.publish_from(asked())) == [("hold", "")]
    told = processor.publish_from(opt_in())
    assert answers(told) == [("send", "")]
    answer = on_topic(PERSON_ANSWERS, told)[0]
    assert (answer.tenant, answer.person_id, answer.request_id, answer.message_id) == (
        "acme",
        "p1",
        "m1",
        "m1",
    )


def test_nobody_is_told_of_what_people_did_not_issue() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1", person_id="p1"))
    assert processor.published_on(PERSON_ANSWERS) == []


def test_what_waits_is_canceled_and_stays_so() -> None:
    processor = gate_processor()
    processor.feed(asked())
    told = processor.publish_from(cancel())
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert on_topic(DECISIONS, told)[0].findings[0].reason == "It was canceled by people"
    later = processor.publish_from(opt_in(), at=NOON)
    assert decided(later) == []
    assert processor.publish_from(asked()) == []


def test_a_cancel_that_comes_first_waits_for_its_request() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    assert processor.publish_from(cancel()) == []
    told = processor.publish_from(asked())
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert processor.publish_from(asked()) == []
    assert processor.published_on(DISPATCH_ORDERS) == []


def test_what_is_ordered_is_taken_back_at_its_sender() -> None:
    processor = ordered()
    told = processor.publish_from(cancel())
    back = on_topic(DISPATCH_CONTROLS, told)
    assert [(one.type, one.sender, one.tenant, one.message_id, one.reason) for one in back] == [
        ("cancel", OWN, "acme", "m1", "moved")
    ]
    assert decided(told) == []
    assert answers(told) == [], "people would ask again though it may have left"
    assert processor.publish_from(cancel()) == []


def test_people_learn_at_once_of_a_cancellation_for_good() -> None:
    told = ordered().publish_from(cancel(by="m.ortiz"))
    assert answers(told) == [("cancel", "m.ortiz")]
    assert len(on_topic(DISPATCH_CONTROLS, told)) == 1


def test_nobody_learns_at_once_of_one_by_a_case() -> None:
    """The case would request it with other words, while the call for this one may be under way."""
    told = ordered().publish_from(cancel(by="cases"))
    assert answers(told) == []
    assert len(on_topic(DISPATCH_CONTROLS, told)) == 1


@pytest.mark.parametrize("by", ["m.ortiz", "cases"])
def test_what_waits_is_canceled_for_good_in_their_name(by: str) -> None:
    processor = gate_processor()
    processor.feed(asked())
    told = processor.publish_from(cancel(by=by))
    assert answers(told) == [("cancel", by)]
    assert on_topic(DECISIONS, told)[0].findings[0].reason == f"It was canceled by {by}"


@pytest.mark.parametrize("by", ["m.ortiz", "cases"])
def test_a_cancel_for_good_that_comes_first_is_answered_with_its_request(by: str) -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(cancel(by=by))
    assert answers(processor.publish_from(asked())) == [("cancel", by)]


@pytest.mark.parametrize(("by", "told"), [("m.ortiz", [("cancel", "m.ortiz")]), ("cases", [])])
def test_who_does_not_want_it_overrules_people_who_would_ask_again(by: str, told: Any) -> None:
    processor = ordered()
    processor.feed(cancel())
    assert answers(processor.publish_from(cancel(by=by))) == told
    assert answers(processor.publish_from(cancel())) == [], "nor do people overrule staff"
    ahead = gate_processor()
    ahead.feed(cancel())
    ahead.feed(cancel(by="m.ortiz"))
    assert answers(ahead.publish_from(asked())) == [("cancel", "m.ortiz")]


def test_an_order_that_comes_back_is_not_given_again() -> None:
    processor = ordered()
    order = processor.published_on(DISPATCH_ORDERS)[0]
    processor.feed(cancel())
    told = processor.publish_from(Returned(order=order, reason="out_of_time", at=NOON))
    assert decided(told) == [("m1", "cancel", ["canceled"])]
    assert answers(told) == [("cancel", "people")]
    assert len(processor.published_on(DISPATCH_ORDERS)) == 1


def test_an_order_that_came_back_and_waits_is_canceled() -> None:
    processor = ordered()
    order = processor.published_on(DISPATCH_ORDERS)[0]
    processor.state.raw.pop(NUMBER)
    processor.feed(Returned(order=order, reason="out_of_time", at=NOON))
    assert decided(processor.publish_from(cancel())) == [("m1", "cancel", ["canceled"])]


def test_what_is_decided_otherwise_stays() -> None:
    processor = gate_processor()
    processor.feed(opt_out())
    assert decided(processor.publish_from(asked())) == [("m1", "reject", ["opted_out"])]
    assert processor.publish_from(cancel()) == []


def test_a_cancel_nobody_sends_a_request_for_is_forgotten() -> None:
    processor = gate_processor()
    processor.feed(cancel())
    processor.run_until(NOON + 36 * DAY)
    assert processor.state.raw == {}


def test_words_like_files_are_cut() -> None:
    processor = gate_processor()
    processor.feed(cancel(reason="x" * 900_000, by="y" * 900_000))
    assert max(map(len, processor.state.raw.values())) < 1000


def test_the_books_go_on_from_peoples_decisions() -> None:
    processor = gate_processor()
    processor.feed(
        asked().model_copy(update={"resolved": asked().resolved.model_copy(update={"decided": 3})})
    )
    decision = processor.published_on(DECISIONS)[-1]
    assert (decision.seq, decision.verdict, decision.request_id) == (4, Verdict.HOLD, "m1")


def test_what_people_held_for_long_is_not_stale() -> None:
    processor = gate_processor(now=NOON + 20 * DAY)
    told = processor.publish_from(asked(requested_at=NOON - MINUTE))
    assert decided(told) == [("m1", "hold", ["not_opted_in"])]
    assert decided(processor.run_until(NOON - MINUTE + 30 * DAY)) == [
        ("m1", "expire", ["not_opted_in", "held_too_long"])
    ]


def test_a_cancel_that_cannot_be_read_blocks_nobody() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    record = InputRecord(
        UnreadableRecord(cause="bad_value", reason=""), "sms.request-cancels", 0, 7, 0
    )
    assert processor.process(processor.state, record, processor.now, processor.settings).state == {}
    assert len(processor.published_on(CONSENT_LOG)) == 1


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
    processor = gate_processor()
    processor.feed(opt_in())
    for record in records:
        processor.feed(record)
    assert decided(processor.publish_from(request(message_id="m1")))[0][1] == verdict


def test_persons_switches_do_not_count_for_picked_numbers() -> None:
    """The fact that turned it on may be read after the request."""
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(switch("p1", False))
    assert decided(processor.publish_from(asked()))[0][1] == "send"
