"""A verdict does not outlive its hour, and what waits for one goes by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.person import NumberFact
from schemas.send import Returned, Send
from schemas.topics import DECISIONS, DISPATCH_ORDERS
from streams.processing import Publication
from tests.core.gate.cases import (
    HOUR,
    MINUTE,
    PHONE,
    SECOND,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.gate.test_quiet_hours import CHICAGO, NEW_YORK, at
from tests.core.harness import ProcessorHarness, on_topic


def consented(now: datetime, **when: Any) -> ProcessorHarness:
    processor = gate_processor(now, when=when)
    processor.feed(opt_in(at=now))
    return processor


def went(published: list[Publication]) -> list[str]:
    return [order.message_id for order in on_topic(DISPATCH_ORDERS, published)]


def ordered(now: datetime, *, when: dict[str, Any] | None = None, **about: Any) -> Send:
    (order,) = on_topic(
        DISPATCH_ORDERS,
        consented(now, **(when or {})).publish_from(request(**about, requested_at=now)),
    )
    assert isinstance(order, Send)
    return order


@pytest.mark.parametrize(
    ("about", "send_before"),
    [
        pytest.param(
            {"time_zone": NEW_YORK}, at(NEW_YORK, "2026-06-14 21:00"), id="until the evening"
        ),
        pytest.param(
            {"to": "+12705551234"}, at(NEW_YORK, "2026-06-14 21:00"), id="where it comes first"
        ),
        pytest.param(
            {"kind": "marketing", "postal_region": "FL"},
            at(NEW_YORK, "2026-06-14 20:00"),
            id="of the state",
        ),
        pytest.param(
            {"time_zone": NEW_YORK, "valid_until": at(NEW_YORK, "2026-06-14 15:00")},
            at(NEW_YORK, "2026-06-14 15:00"),
            id="no longer than it is of use",
        ),
        pytest.param(
            {"time_zone": NEW_YORK, "when": {"quiet_hours": "none"}},
            at(NEW_YORK, "2026-06-14 14:00") + 36 * HOUR,
            id="no hours, no evening",
        ),
    ],
)
def test_an_order_ends_with_its_hours(about: dict[str, Any], send_before: datetime) -> None:
    assert ordered(at(NEW_YORK, "2026-06-14 14:00"), **about).send_before == send_before


def test_the_evening_on_the_day_the_clocks_change() -> None:
    now = at(NEW_YORK, "2026-11-01 08:00")
    assert ordered(now, time_zone=NEW_YORK).send_before == now + timedelta(hours=13)
    assert now == at(NEW_YORK, "2026-10-31 08:00") + timedelta(hours=25)


def test_what_comes_at_night_goes_in_the_morning() -> None:
    processor = consented(at(CHICAGO, "2026-06-10 22:00"))
    (held,) = on_topic(
        DECISIONS,
        processor.publish_from(
            request(message_id="a", time_zone=CHICAGO, requested_at=processor.now)
        ),
    )
    morning = at(CHICAGO, "2026-06-11 08:00")
    assert (held.verdict, held.until, [found.rule for found in held.findings]) == (
        "hold",
        morning,
        ["quiet_hours"],
    )
    assert decided(processor.run_until(morning - SECOND)) == []
    assert went(processor.run_until(morning)) == ["a"]


def test_it_is_judged_afresh_then() -> None:
    processor = consented(at(CHICAGO, "2026-06-10 22:00"))
    processor.feed(request(message_id="a", time_zone=CHICAGO, requested_at=processor.now))
    assert decided(processor.publish_from(opt_out(), at=processor.now)) == [
        ("a", "reject", ["opted_out", "quiet_hours"])
    ]


def test_a_yes_at_night_wakes_nobody() -> None:
    processor = gate_processor(at(CHICAGO, "2026-06-10 22:00"), when={})
    first = processor.publish_from(
        request(message_id="a", time_zone=CHICAGO, requested_at=processor.now)
    )
    assert decided(first) == [("a", "hold", ["not_opted_in", "quiet_hours"])]
    assert decided(processor.publish_from(opt_in(at=processor.now), at=processor.now)) == [
        ("a", "hold", ["quiet_hours"])
    ]
    assert went(processor.run_until(at(CHICAGO, "2026-06-11 08:00"))) == ["a"]


def test_an_evening_return_waits_for_the_morning() -> None:
    processor = consented(at(CHICAGO, "2026-06-10 20:59"))
    asked = request(message_id="a", time_zone=CHICAGO, requested_at=processor.now)
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(asked))
    processor.now = order.send_before + MINUTE
    back = Returned(order=order, reason="send_before", at=processor.now)
    assert decided(processor.publish_from(back)) == [("a", "hold", ["quiet_hours"])]
    assert went(processor.run_until(at(CHICAGO, "2026-06-11 08:00"))) == ["a"]


@pytest.mark.parametrize("told", [{"time_zone": NEW_YORK}, {"postal_region": "NY"}])
def test_who_turns_out_to_be_awake_is_texted_at_once(told: dict[str, str]) -> None:
    """By their area code it is half past five."""
    processor = consented(at(NEW_YORK, "2026-06-10 08:30"))
    assert decided(processor.publish_from(request(message_id="a", requested_at=processor.now))) == [
        ("a", "hold", ["quiet_hours"])
    ]
    assert (
        went(
            processor.publish_from(
                NumberFact(tenant="acme", number=PHONE, type="mobile", at=processor.now)
            )
        )
        == []
    )
    record = NumberFact(tenant="acme", number=PHONE, at=processor.now, **told)
    assert went(processor.publish_from(record)) == ["a"]
    assert processor.published_on(DECISIONS)[-1].evidence.topic == "sms.number-facts"
    assert went(processor.publish_from(record)) == []


def test_who_turns_out_to_be_asleep_waits_longer() -> None:
    processor = consented(at(NEW_YORK, "2026-06-10 08:30"))
    processor.feed(request(message_id="a", requested_at=processor.now))
    processor.feed(
        NumberFact(tenant="acme", number=PHONE, time_zone="Pacific/Honolulu", at=processor.now)
    )
    morning = at("Pacific/Honolulu", "2026-06-10 08:00")
    assert processor.published_on(DECISIONS)[-1].until == morning
    assert went(processor.run_until(morning - SECOND)) == []
    assert went(processor.run_until(morning)) == ["a"]
