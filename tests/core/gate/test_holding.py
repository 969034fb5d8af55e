from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.decision import Decision, Verdict
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from streams.gate.evaluation import AT_ONCE
from streams.processing import UnreadableRecord
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    decided,
    gate_processor,
    looked,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic


def waiting(*asked: dict[str, Any]) -> ProcessorHarness:
    processor = gate_processor()
    for changes in asked:
        processor.feed(request(**changes))
    return processor


def test_what_waits_goes_when_consent_comes_in_order_of_request() -> None:
    late, early = (
        {"message_id": "b", "requested_at": NOON - MINUTE},
        {"message_id": "a", "requested_at": NOON - HOUR},
    )
    processor = waiting(late, early)
    told = processor.publish_from(opt_in(), at=NOON)
    assert decided(told) == [("a", "send", ["ready"]), ("b", "send", ["ready"])]
    assert [order.message_id for order in on_topic(DISPATCH_ORDERS, told)] == ["a", "b"]
    assert {order.consent_epoch for order in on_topic(DISPATCH_ORDERS, told)} == {1}


def test_a_release_names_the_consent_that_caused_it() -> None:
    processor = waiting({"message_id": "a"})
    processor.feed(reply("START"))
    _, first, _, second = processor.published_on(DECISIONS)
    assert (first.seq, first.verdict, first.evidence.topic) == (
        1,
        Verdict.HOLD,
        "sms.send-requests",
    )
    assert (second.seq, second.verdict, second.evidence.topic) == (2, Verdict.SEND, "sms.replies")
    assert second.evidence.text is None
    assert second.fingerprint == first.fingerprint != ""


def test_a_stop_drops_what_waits() -> None:
    processor = waiting({"message_id": "a"}, {"message_id": "b"})
    assert decided(processor.publish_from(opt_out())) == [
        ("a", "reject", ["opted_out"]),
        ("b", "reject", ["opted_out"]),
    ]
    assert decided(processor.publish_from(opt_in(), at=NOON + MINUTE)) == []


def test_each_is_judged_afresh() -> None:
    processor = waiting(
        {"message_id": "late", "valid_until": NOON + HOUR},
        {"message_id": "then", "not_before": NOON + DAY},
    )
    processor.timers.clear()
    processor.now = NOON + 2 * HOUR
    assert decided(processor.publish_from(opt_in())) == [
        ("late", "expire", ["expired"]),
        ("then", "hold", ["not_before"]),
    ]
    assert decided(processor.run_until(NOON + DAY)) == [("then", "send", ["ready"])]


def test_what_waits_for_its_hour_goes_by_itself() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    (held,) = on_topic(
        DECISIONS, processor.publish_from(request(message_id="a", not_before=NOON + HOUR))
    )
    assert (held.verdict, held.until) == (Verdict.HOLD, NOON + HOUR)
    assert decided(processor.run_until(NOON + HOUR - SECOND)) == []
    (order,) = on_topic(DISPATCH_ORDERS, processor.run_until(NOON + HOUR))
    assert (order.issued_at, order.not_before) == (NOON + HOUR, NOON + HOUR)


def test_a_hold_whose_reasons_stay_is_not_announced_again() -> None:
    processor = waiting({"message_id": "a", "not_before": NOON + HOUR})
    assert decided(processor.run_until(NOON + DAY)) == []
    assert decided(processor.publish_from(opt_in())) == [("a", "send", ["ready"])]


def test_a_hold_is_announced_again_only_for_other_reasons() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="a", not_before=NOON + DAY))
    processor.feed(UnreadableRecord(cause="invalid", reason="not JSON"), at=NOON + MINUTE)
    assert decided(processor.publish_from(looked(), at=NOON + HOUR)) == []
    assert decided(processor.run_until(NOON + DAY)) == [("a", "send", ["ready"])]


@pytest.mark.parametrize(
    ("changes", "end", "rule"),
    [
        pytest.param({"valid_until": NOON + HOUR}, NOON + HOUR, "expired", id="at valid_until"),
        pytest.param({}, NOON + 30 * DAY, "held_too_long", id="after 30 days"),
        pytest.param(
            {"not_before": NOON + 40 * DAY},
            NOON + 70 * DAY,
            "held_too_long",
            id="30 days after not_before",
        ),
        pytest.param(
            {"valid_until": NOON + 300 * DAY},
            NOON + 30 * DAY,
            "held_too_long",
            id="whatever it says",
        ),
    ],
)
def test_what_waits_ends(changes: dict[str, Any], end: datetime, rule: str) -> None:
    processor = waiting({"message_id": "a"} | changes)
    before: list[Decision] = on_topic(DECISIONS, processor.run_until(end - SECOND))
    assert all(decision.verdict is Verdict.HOLD for decision in before)
    ((identity, verdict, rules),) = decided(processor.run_until(end))
    assert (identity, verdict, rules[-1]) == ("a", "expire", rule)
    assert on_topic(DECISIONS, processor.run_until(end + 100 * DAY)) == []
    assert [name for name in processor.state.raw if name] == []


def test_a_time_at_the_end_of_the_calendar_waits() -> None:
    processor = waiting(
        {"not_before": "9999-12-31T23:59:59Z", "valid_until": "9999-12-31T23:59:59Z"}
    )
    assert processor.run_until(NOON + 400 * DAY) == []


def test_thousands_that_wait_go_in_bounded_steps() -> None:
    processor = waiting(*({"message_id": f"m{place}"} for place in range(AT_ONCE + 70)))
    assert len(on_topic(DISPATCH_ORDERS, processor.publish_from(opt_in()))) == AT_ONCE
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(NOON + SECOND))) == 70
    assert decided(processor.run_until(NOON + DAY)) == []


def test_a_thousand_are_released_in_order_within_a_second() -> None:
    ids = [f"m{1000 - place:04}" for place in range(1000)]
    processor = waiting(
        *(
            {"message_id": name, "requested_at": NOON - HOUR + n * SECOND}
            for n, name in enumerate(ids)
        )
    )
    processor.feed(opt_in())
    processor.run_until(processor.now + SECOND)
    assert [
        order.message_id
        for order in processor.published_on(DISPATCH_ORDERS)
        if order.kind == "reminder"
    ] == ids


def test_a_stop_between_two_steps_of_a_release_wins() -> None:
    processor = waiting(*({"message_id": f"m{place}"} for place in range(AT_ONCE + 70)))
    processor.feed(opt_in(), at=NOON)
    processor.feed(reply("STOP"), at=NOON + SECOND)
    assert on_topic(DISPATCH_ORDERS, processor.run_until(NOON + DAY)) == []
    assert (
        sum(order.kind == "reminder" for order in processor.published_on(DISPATCH_ORDERS))
        == AT_ONCE
    )
