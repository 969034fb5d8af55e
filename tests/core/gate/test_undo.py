"""A text that can be withdrawn for some seconds: the gate holds it by its own clock, and a cancel,
a STOP or a crash in between do the right thing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.send_request import CancelRequest
from schemas.topics import (
    APPROVAL_LOG,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
    PERSON_ANSWERS,
)
from streams.processing import Publication, StateStore
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    PHONE,
    SECOND,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.gate.test_approvals import COURT, TEXT, approval
from tests.core.harness import ProcessorHarness, on_topic

TEN = timedelta(seconds=10)


def cancel(by: str = "dana", at: Any = NOON, **changes: Any) -> CancelRequest:
    said = {"tenant": "acme", "number": PHONE, "message_id": "m1", "by": by, "reason": "", "at": at}
    return CancelRequest.model_validate(said | changes)


def sent(**changes: Any) -> Any:
    said = {"message_id": "m1", "kind": "direct", "undo_seconds": 10, "written_by": "dana"}
    return request(**(said | changes))


def waiting(**changes: Any) -> ProcessorHarness:
    """Somebody who has opted in, and a text for them that can still be withdrawn."""
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(sent(**changes))
    return processor


def orders(published: list[Publication]) -> list[str]:
    return [one.message_id for one in on_topic(DISPATCH_ORDERS, published)]


def test_it_waits_for_its_seconds_and_then_goes_by_itself() -> None:
    processor = waiting()
    assert decided(processor.published) == [("m1", "hold", ["undo"])]
    (held,) = on_topic(DECISIONS, processor.published)
    assert held.until == NOON + TEN
    assert orders(processor.run_until(NOON + TEN - timedelta(milliseconds=1))) == []
    gone = processor.run_until(NOON + TEN)
    assert decided(gone) == [("m1", "send", ["ready"])]
    assert orders(gone) == ["m1"]
    assert orders(processor.run_until(NOON + DAY)) == []


def test_it_waits_by_the_gates_own_clock_whatever_the_sender_says() -> None:
    """The clocks of a console and of people may be wrong, and records lie in backlogs."""
    people = {"person_id": "p1", "request_id": "m1", "received_at": NOON - HOUR}
    processor = waiting(requested_at=NOON - HOUR, resolved=people, person_id="p1")
    assert on_topic(DECISIONS, processor.published)[0].until == NOON + TEN


def test_withdrawn_in_time() -> None:
    processor = waiting()
    processor.run_until(NOON + 9 * SECOND)
    told = processor.publish_from(cancel())
    assert decided(told) == [("m1", "cancel", ["withdrawn"])]
    (decision,) = on_topic(DECISIONS, told)
    assert decision.findings[0].reason == "It was withdrawn by dana"
    assert orders(processor.run_until(NOON + DAY)) == []
    assert processor.publish_from(sent()) == [], "a repeat changes nothing"


def test_withdrawn_before_it_came() -> None:
    """Its request and the cancel are on two topics."""
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(cancel())
    assert decided(processor.publish_from(sent())) == [("m1", "cancel", ["withdrawn"])]
    assert orders(processor.run_until(NOON + DAY)) == []


def test_a_cancel_after_its_time_is_a_cancel_as_any() -> None:
    processor = waiting()
    processor.run_until(NOON + TEN)
    told = processor.publish_from(cancel(at=NOON + TEN))
    assert len(on_topic(DISPATCH_CONTROLS, told)) == 1
    assert decided(told) == []


def test_what_still_waits_for_something_else_is_canceled_and_not_withdrawn() -> None:
    processor = waiting(not_before=NOON + HOUR)
    processor.run_until(NOON + MINUTE)
    assert decided(processor.publish_from(cancel())) == [("m1", "cancel", ["canceled"])]


@pytest.mark.parametrize("by", ["people", "cases", "outcomes"])
def test_our_own_processors_withdraw_nothing(by: str) -> None:
    told = waiting().publish_from(cancel(by))
    assert decided(told) == [("m1", "cancel", ["canceled"])]


def test_people_learn_who_has_withdrawn_it() -> None:
    people = {"person_id": "p1", "request_id": "m1", "received_at": NOON}
    processor = waiting(resolved=people, person_id="p1")
    (answer,) = on_topic(PERSON_ANSWERS, processor.publish_from(cancel()))
    assert (answer.verdict, answer.by) == ("cancel", "dana")


def test_a_stop_in_between_ends_it() -> None:
    processor = waiting()
    told = processor.publish_from(opt_out())
    assert decided(told) == [("m1", "reject", ["opted_out", "undo"])]
    assert orders(processor.run_until(NOON + DAY)) == []


def test_it_survives_a_crash_and_a_night_without_a_worker() -> None:
    processor = waiting()
    processor.state = StateStore(processor.state.entity_key, dict(processor.state.raw))
    assert orders(processor.run_until(NOON + 9 * SECOND)) == []
    processor.state = StateStore(processor.state.entity_key, dict(processor.state.raw))
    assert orders(processor.run_until(NOON + HOUR)) == ["m1"]


def test_nobody_is_asked_for_consent_because_of_a_text_that_may_be_withdrawn() -> None:
    processor = gate_processor()
    processor.feed(sent())
    assert decided(processor.published) == [("m1", "hold", ["not_opted_in", "undo"])]
    assert orders(processor.published) == []
    asked = processor.run_until(NOON + TEN)
    assert [one.kind for one in on_topic(DISPATCH_ORDERS, asked)] == ["consent_ask"]
    assert decided(asked) == [("m1", "hold", ["not_opted_in"])]


def test_a_withdrawn_text_has_asked_nobody() -> None:
    processor = gate_processor()
    processor.feed(sent())
    processor.feed(cancel())
    assert orders(processor.run_until(NOON + DAY)) == []


def test_consent_does_not_cut_it_short() -> None:
    processor = gate_processor()
    processor.feed(sent())
    assert orders(processor.publish_from(opt_in())) == []
    assert orders(processor.run_until(NOON + TEN)) == ["m1"]


def test_approval_does_not_cut_it_short_either() -> None:
    processor = gate_processor(**COURT)
    processor.feed(opt_in())
    processor.feed(sent(body=TEXT, branch="court"))
    assert orders(processor.publish_from(approval())) == []
    assert orders(processor.run_until(NOON + TEN)) == ["m1"]


def test_an_approver_is_told_that_it_was_withdrawn_and_by_whom() -> None:
    processor = gate_processor(**COURT)
    processor.feed(opt_in())
    processor.feed(sent(body=TEXT, branch="court"))
    processor.feed(cancel())
    (answer,) = on_topic(APPROVAL_LOG, processor.publish_from(approval(by="ann")))
    assert (answer.applied, answer.rule, answer.settled_by) == (False, "withdrawn", "dana")
    assert answer.settled_at == NOON


def test_night_and_undo_together() -> None:
    """It waits for both; the later one counts."""
    late = NOON.replace(hour=4)  # 23:00 the day before in New York
    processor = gate_processor(now=late, when={})
    processor.feed(opt_in())
    processor.feed(sent(requested_at=late, time_zone="America/New_York"))
    rules = decided(processor.published)[0][2]
    assert rules == ["undo", "quiet_hours"]
    assert orders(processor.run_until(late + MINUTE)) == []
    assert orders(processor.run_until(late + 12 * HOUR)) == ["m1"]
