"""An order that came back because too much stands before it at its sender."""

from __future__ import annotations

from datetime import timedelta

from schemas.decision import Decision
from schemas.send import Returned
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from streams.gate.opt_in_state import CROWDED
from streams.gate.rules.timing import check_quiet_hours
from tests.core.gate.cases import NOON, context, decided, gate_processor, opt_in, reply, request

HOUR = timedelta(hours=1)


def test_it_waits_until_there_is_room_and_is_ordered_anew() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1", case_id="c-7"))
    order = processor.published_on(DISPATCH_ORDERS)[0]
    assert order.case_id == "c-7"
    told = processor.publish_from(
        Returned(order=order, reason="crowded", at=processor.now, until=NOON + HOUR)
    )
    assert decided(told) == [("m1", "hold", ["sender_crowded"])]
    processor.run_until(NOON + HOUR - timedelta(seconds=1))
    assert len(processor.published_on(DISPATCH_ORDERS)) == 1
    processor.run_until(NOON + HOUR)
    again = processor.published_on(DISPATCH_ORDERS)
    assert [one.message_id for one in again] == ["m1", "m1"]
    assert again[1].issued_at >= NOON + HOUR


def test_its_next_step_is_that_of_a_text_held_for_the_hour() -> None:
    """Outcomes publishes a version for each new next step: one more for every such text."""
    night = context(now=NOON.replace(hour=6), policy={"when": {}})
    held = check_quiet_hours(night)
    assert held is not None
    assert held.next_step == CROWDED.next_step


def test_it_is_tried_half_way_until_no_time_is_left() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1", valid_until=NOON + HOUR))
    verdicts, moments = [], []
    while not verdicts or verdicts[-1] == "hold":
        order = processor.published_on(DISPATCH_ORDERS)[-1]
        moments.append(processor.now - NOON)
        told = processor.publish_from(
            Returned(order=order, reason="crowded", at=processor.now, until=NOON + HOUR)
        )
        last: Decision = processor.published_on(DECISIONS)[-1]
        verdicts.append(decided(told)[0][1])
        if last.until:
            processor.run_until(last.until)
    assert verdicts == ["hold"] * 5 + ["expire"]
    assert [round(moment / timedelta(minutes=1)) for moment in moments] == [0, 30, 45, 52, 56, 58]
    assert last.findings[0].next_step == "use a faster sender, or ask earlier"


def test_a_stop_ends_what_waits_for_room() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1"))
    processor.feed(
        Returned(
            order=processor.published_on(DISPATCH_ORDERS)[0],
            reason="crowded",
            at=processor.now,
            until=NOON + HOUR,
        )
    )
    assert ("m1", "reject", ["opted_out"]) in decided(processor.publish_from(reply("STOP")))


def test_a_return_after_a_stop_is_rejected_at_once() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(request(message_id="m1"))
    processor.feed(reply("STOP"))
    told = processor.publish_from(
        Returned(
            order=processor.published_on(DISPATCH_ORDERS)[0],
            reason="crowded",
            at=processor.now,
            until=NOON + HOUR,
        )
    )
    assert decided(told) == [("m1", "reject", ["opted_out"])]
    processor.run_until(NOON + HOUR / 2)
    processor.feed(reply("START"))
    assert [
        one.message_id for one in processor.published_on(DISPATCH_ORDERS) if one.message_id == "m1"
    ] == ["m1"]
