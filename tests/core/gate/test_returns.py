"""What the gate keeps of an order that came back, for the next one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.send import Returned
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from tests.core.gate.cases import (
    BRANCH,
    HOUR,
    MINUTE,
    NOON,
    SENDERS,
    gate_processor,
    opt_in,
    request,
)
from tests.core.harness import ProcessorHarness


def ordered(**changes: object) -> ProcessorHarness:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1", **changes))
    return processor


def orders(processor: ProcessorHarness) -> list[tuple[str, int]]:
    return [(order.sender, order.attempt) for order in processor.published_on(DISPATCH_ORDERS)]


def verdicts(processor: ProcessorHarness) -> list[str]:
    return [str(one.verdict) for one in processor.published_on(DECISIONS)]


def come_back(processor: ProcessorHarness, attempt: int, **more: object) -> None:
    order = processor.published_on(DISPATCH_ORDERS)[-1]
    processor.feed(Returned(order=order, reason="late", at=processor.now, attempt=attempt, **more))  # type: ignore[arg-type]


def test_attempts_are_counted_on_across_senders() -> None:
    processor = ordered()
    gone = {name: sender for name, sender in SENDERS.items() if name != orders(processor)[0][0]}
    tenants = {"acme": processor.settings.tenants["acme"].model_copy(update={"sender": BRANCH})}
    processor.settings = processor.settings._replace(senders=gone, tenants=tenants)
    processor.now = NOON + HOUR
    come_back(processor, 1)
    assert orders(processor) == [("24273", 0), (BRANCH, 2)]


def test_it_does_so_after_a_wait_too_and_never_counts_back() -> None:
    processor = ordered()
    come_back(processor, 3, until=NOON + HOUR)
    processor.run_until(NOON + HOUR)
    come_back(processor, 0)
    assert [attempt for _, attempt in orders(processor)] == [0, 4, 4]


def test_a_returned_order_counts_above_reported_attempts() -> None:
    processor = ordered()
    come_back(processor, 0)
    assert [attempt for _, attempt in orders(processor)] == [0, 1]


# --- its time is over by dispatch's clock, and not by this one


def over_there(processor: ProcessorHarness, ahead: timedelta) -> None:
    """As dispatch, whose clock is ahead, hands back what has no time left."""
    order = processor.published_on(DISPATCH_ORDERS)[-1]
    at = max(processor.now + ahead, order.send_before)
    processor.feed(Returned(order=order, reason="out of time", code="out_of_time", at=at))


def bounced(processor: ProcessorHarness, ahead: timedelta, hours: float) -> int:
    """How often it is ordered in these hours, by a dispatch that hands back at once what is over
    by its clock."""
    end, known = processor.now + hours * HOUR, 0
    while known < 50 and (orders := len(processor.published_on(DISPATCH_ORDERS))) > known:
        known = orders
        if processor.now + ahead >= processor.published_on(DISPATCH_ORDERS)[-1].send_before:
            over_there(processor, ahead)
        while (
            len(processor.published_on(DISPATCH_ORDERS)) == known
            and (due := min(processor.timers.values(), default=end)) < end
        ):
            processor.run_until(due)
    return known


def test_a_text_too_late_by_dispatchs_clock_is_retried() -> None:
    processor = ordered(valid_until=NOON + HOUR)
    assert bounced(processor, 2 * HOUR, hours=24) == 6
    assert verdicts(processor) == ["send", "hold"] * 6 + ["expire"]
    last = processor.published_on(DECISIONS)[-1]
    assert (last.verdict, last.findings[0].rule) == ("expire", "expired")


def test_it_goes_when_the_clock_over_there_is_right_again() -> None:
    processor = ordered(valid_until=NOON + HOUR)
    over_there(processor, 2 * HOUR)
    held = processor.published_on(DECISIONS)[-1]
    assert (held.verdict, held.findings[0].rule, held.until) == (
        "hold",
        "clock_skew",
        NOON + HOUR / 2,
    )
    processor.run_until(NOON + HOUR / 2)
    assert len(orders(processor)) == 2


def test_a_few_milliseconds_cost_one_decision_more() -> None:
    processor = ordered(valid_until=NOON + HOUR)
    processor.now = NOON + HOUR - timedelta(milliseconds=20)
    over_there(processor, timedelta(milliseconds=20))
    processor.run_until(NOON + HOUR)
    assert verdicts(processor) == ["send", "hold", "expire"]
    assert processor.published_on(DECISIONS)[-1].findings[0].rule == "expired"


def test_an_ask_waits_out_its_hour() -> None:
    processor = gate_processor()
    processor.feed(request(message_id="m1"))
    assert bounced(processor, 2 * HOUR, hours=5) == 5
    held = [
        one
        for one in processor.published_on(DECISIONS)
        if one.kind == "consent_ask" and one.verdict == "hold"
    ]
    assert {found.rule for one in held for found in one.findings} == {"clock_skew"}


def test_an_early_return_is_evaluated_at_once() -> None:
    processor = ordered(valid_until=NOON + HOUR)
    come_back(processor, 1)
    assert verdicts(processor) == ["send", "send"]


def test_a_request_held_by_a_queue_does_not_blame_the_budget() -> None:
    processor = gate_processor()
    processor.feed(request(message_id="m1"))
    come_back(processor, 0, code="no_room", until=NOON + HOUR)
    held = [one for one in processor.published_on(DECISIONS) if one.kind == "consent_ask"][-1]
    assert (held.findings[0].rule, held.until) == ("sender_crowded", NOON + HOUR)
    processor.run_until(NOON + HOUR)
    assert len(orders(processor)) == 2
    come_back(processor, 0, code="ask_budget", until=NOON + 2 * HOUR)
    held = [one for one in processor.published_on(DECISIONS) if one.kind == "consent_ask"][-1]
    assert held.findings[0].rule == "ask_budget"


@pytest.mark.parametrize("code", ["ask_budget", "no_room"])
@pytest.mark.parametrize("asks", [True, False])
def test_room_in_the_past_is_tried_once_a_minute(code: str, asks: bool) -> None:
    """That clock is behind, or it lay in between for so long."""
    processor = gate_processor()
    if not asks:
        processor.feed(opt_in())
    processor.feed(request(message_id="m1"))
    for count in range(1, 4):
        assert len(orders(processor)) == count
        come_back(processor, count, code=code, until=NOON - HOUR)
        assert len(orders(processor)) == count
        processor.run_until(processor.now + MINUTE)
