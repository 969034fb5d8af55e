"""How often: rolling 24 hours and seven days, by the tenant and by the states."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.send import Returned
from schemas.send_request import CancelRequest
from schemas.topics import DECISIONS, DISPATCH_ORDERS
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
    request,
)
from tests.core.gate.test_quiet_hours import at
from tests.core.harness import ProcessorHarness, on_topic

ANY_HOUR: dict[str, Any] = {"quiet_hours": "none", "marketing": "as_others"}
LOS_ANGELES = "America/Los_Angeles"


def consented(now: datetime = NOON, **when: Any) -> ProcessorHarness:
    processor = gate_processor(now, when=when)
    processor.feed(opt_in(at=now))
    return processor


def asked(processor: ProcessorHarness, *, now: datetime | None = None, **about: Any) -> str:
    """The verdict and the rules that stopped it."""
    processor.run_until(now or processor.now)
    ((_, verdict, rules),) = decided(
        processor.publish_from(request(**about, requested_at=processor.now))
    )
    return " ".join([verdict, *rules])


def test_three_marketing_texts_a_day_unless_it_is_said() -> None:
    processor = consented(**ANY_HOUR)
    spread = [asked(processor, kind="marketing", now=NOON + hours * HOUR) for hours in (0, 1, 2, 3)]
    assert spread == ["send", "send", "send", "hold frequency_cap"]
    assert on_topic(DISPATCH_ORDERS, processor.run_until(NOON + DAY - SECOND)) == []
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(NOON + DAY))) == 1
    assert asked(processor, kind="marketing") == "hold frequency_cap"


def test_ten_a_week() -> None:
    processor = consented(**ANY_HOUR)
    days = [asked(processor, kind="marketing", now=NOON + n * DAY / 2) for n in range(11)]
    assert days == ["send"] * 10 + ["hold frequency_cap"]
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 7 * DAY - SECOND))) == 0
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 7 * DAY))) == 1


def test_several_that_wait_go_one_by_one_as_the_cap_frees() -> None:
    processor = consented(**ANY_HOUR, caps={"marketing": {"day": 1}})
    assert [asked(processor, kind="marketing") for _ in range(3)] == [
        "send",
        *["hold frequency_cap"] * 2,
    ]
    for n in (1, 2):
        assert len(on_topic(DISPATCH_ORDERS, processor.run_until(NOON + n * DAY))) == 1
    assert on_topic(DISPATCH_ORDERS, processor.run_until(NOON + 9 * DAY)) == []


def test_other_kinds_have_the_caps_they_are_given() -> None:
    free, capped = consented(**ANY_HOUR), consented(**ANY_HOUR, caps={"reminder": {"day": 2}})
    assert [asked(free) for _ in range(20)] == ["send"] * 20
    assert [asked(capped) for _ in range(3)] == ["send", "send", "hold frequency_cap"]
    assert asked(capped, kind="transactional") == "send"


def test_what_is_not_capped_is_not_remembered() -> None:
    processor = consented(**ANY_HOUR)
    asked(processor)
    assert b"texted_ms" not in processor.state.raw[""]


def test_what_is_remembered_is_bounded() -> None:
    processor = consented(
        **ANY_HOUR, caps={"marketing": {"day": 50, "week": 50}, "reminder": {"day": 50}}
    )
    for kind in ("marketing", "reminder"):
        assert [asked(processor, kind=kind) for _ in range(51)] == ["send"] * 50 + [
            "hold frequency_cap"
        ]
    processor.run_until(NOON + 8 * DAY)
    assert len(processor.state.raw[""]) < 4096


@pytest.mark.parametrize("region", ["FL", "MD", "OK"])
def test_a_state_s_cap_counts_whatever_the_tenant_says(region: str) -> None:
    about: dict[str, Any] = {"kind": "marketing", "postal_region": region, "time_zone": LOS_ANGELES}
    processor = consented(at(LOS_ANGELES, "2026-06-10 09:00"), caps={"marketing": {"day": 50}})
    assert [asked(processor, **about) for _ in range(4)] == [
        "send",
        "send",
        "send",
        "hold frequency_cap",
    ]
    about["postal_region"] = "TX"
    assert asked(processor, **about) == "send"


def test_a_cap_that_frees_at_night_waits_for_the_morning() -> None:
    evening = at(LOS_ANGELES, "2026-06-10 20:30")
    processor = consented(evening, marketing="as_others", caps={"reminder": {"week": 1}})
    assert asked(processor) == "send"
    processor.settings = gate_processor(
        when={"quiet_hours": {"after": "20:00"}, "caps": {"reminder": {"week": 1}}}
    ).settings
    morning = evening - timedelta(hours=10)
    assert asked(processor, now=morning + DAY) == "hold frequency_cap"
    until = processor.published_on(DECISIONS)[-1].until
    assert until == at(LOS_ANGELES, "2026-06-18 08:00")
    assert on_topic(DISPATCH_ORDERS, processor.run_until(until - MINUTE)) == []
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(until))) == 1


def test_an_order_that_comes_back_is_not_counted_twice() -> None:
    processor = consented(**ANY_HOUR, caps={"reminder": {"day": 1}})
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(request(message_id="a")))
    processor.now = NOON + MINUTE
    (again,) = on_topic(
        DISPATCH_ORDERS,
        processor.publish_from(Returned(order=order, reason="late", at=processor.now)),
    )
    assert again.issued_at == processor.now
    assert asked(processor) == "hold frequency_cap"
    assert len(on_topic(DISPATCH_ORDERS, processor.run_until(again.issued_at + DAY))) == 1


def test_a_returned_and_canceled_order_is_not_counted() -> None:
    processor = consented(**ANY_HOUR, caps={"reminder": {"day": 1}})
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(request(message_id="a")))
    processor.feed(
        CancelRequest(tenant="acme", number=PHONE, message_id="a", by="m.ortiz", at=processor.now)
    )
    processor.feed(Returned(order=order, reason="late", at=processor.now))
    assert asked(processor) == "send"


def test_what_is_held_for_a_cap_still_ends() -> None:
    processor = consented(**ANY_HOUR, caps={"reminder": {"week": 1}})
    asked(processor)
    asked(processor, message_id="b", valid_until=NOON + DAY)
    assert decided(processor.run_until(NOON + 9 * DAY)) == [
        ("b", "expire", ["expired", "frequency_cap"])
    ]


def test_a_finding_says_how_many_in_how_long() -> None:
    processor = consented(**ANY_HOUR, caps={"reminder": {"day": 1}})
    asked(processor)
    asked(processor)
    (found,) = processor.published_on(DECISIONS)[-1].findings
    assert found.reason == "They have had 1 reminder text in 24 hours, the tenant's cap"
