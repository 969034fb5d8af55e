from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.send import Returned, Send
from schemas.send_request import Kind
from schemas.topics import CONTACTS, DEAD_LETTERS, DECISIONS, DISPATCH_ORDERS
from streams.gate.messages import PRIORITIES
from tests.core.gate.cases import (
    BRANCH,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    PHONE,
    SECOND,
    SHARED,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.harness import ProcessorHarness, on_topic


def consented() -> ProcessorHarness:
    processor = gate_processor()
    processor.feed(opt_in())
    return processor


def ordered(processor: ProcessorHarness, **changes: Any) -> Send:
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(request(**changes)))
    assert isinstance(order, Send)
    return order


def test_an_order_says_all_that_dispatch_needs() -> None:
    assert ordered(consented(), message_id="a", to="+1 415-555-0100", body="x" * 161) == Send(
        message_id="a",
        tenant="acme",
        to=PHONE,
        sender=OWN,
        body="x" * 161,
        kind="reminder",
        lane=PRIORITIES["reminder"],
        segments=2,
        consent_epoch=1,
        send_before=NOON + 36 * HOUR,
        issued_at=NOON,
    )


def test_a_decision_says_who_what_and_by_which_policy() -> None:
    processor = consented()
    about = {
        "branch": "south",
        "person_id": "p1",
        "case_id": "c1",
        "event_id": "e1",
        "requested_by": "crm",
    }
    (decision,) = on_topic(DECISIONS, processor.publish_from(request(resend_of="m0", **about)))
    assert about.items() <= decision.model_dump().items()
    assert (decision.resend_of, decision.sender, decision.to) == ("m0", BRANCH, PHONE)
    assert (decision.policy_version, decision.consent_epoch) == (
        processor.settings.versions["acme"],
        1,
    )
    assert (decision.segments, decision.seq, decision.decided_at) == (1, 1, NOON)


def test_a_tenant_without_settings_gets_an_answer() -> None:
    processor = gate_processor()
    processor.settings = processor.settings._replace(tenants={}, versions={})
    (decision,) = on_topic(DECISIONS, processor.publish_from(request()))
    assert (decision.verdict, decision.policy_version, decision.sender) == ("reject", "none", None)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_lane(kind: Kind) -> None:
    assert ordered(consented(), kind=kind).lane is PRIORITIES[kind]


@pytest.mark.parametrize(
    ("valid_until", "send_before"),
    [(None, NOON + 36 * HOUR), (NOON + DAY, NOON + DAY), (NOON + 2 * DAY, NOON + 36 * HOUR)],
    ids=["none", "sooner", "later"],
)
def test_what_cannot_leave_in_time_comes_back(
    valid_until: datetime | None, send_before: datetime
) -> None:
    assert ordered(consented(), valid_until=valid_until).send_before == send_before


def test_a_shared_sender_gets_each_contact_others_the_first() -> None:
    processor = consented()
    for sender in (OWN, OWN, SHARED, SHARED, OWN, BRANCH):
        processor.feed(request(sender=sender))
    assert [contact.sender for contact in processor.published_on(CONTACTS)] == [
        OWN,
        SHARED,
        SHARED,
        BRANCH,
    ]
    assert all(
        (contact.tenant, contact.number, contact.asked) == ("acme", PHONE, False)
        for contact in processor.published_on(CONTACTS)
    )
    assert {contact.sender: contact.queued for contact in processor.published_on(CONTACTS)} == {
        OWN: None,
        SHARED: True,
        BRANCH: None,
    }, "dispatch says when a text leaves a shared sender"


def test_a_returned_order_is_judged_afresh_and_issued_again() -> None:
    processor = consented()
    first = ordered(processor, message_id="a", branch="south")
    processor.now = NOON + 36 * HOUR
    (second,) = on_topic(
        DISPATCH_ORDERS,
        processor.publish_from(Returned(order=first, reason="send_before", at=processor.now)),
    )
    assert (second.body, second.sender, second.issued_at) == (first.body, BRANCH, processor.now)
    assert second.send_before == processor.now + 36 * HOUR
    one, two = processor.published_on(DECISIONS)
    assert (two.seq, two.branch, two.evidence.topic) == (2, "south", "sms.returned")
    assert two.model_copy(update={"seq": 1, "decided_at": NOON, "evidence": one.evidence}) == one


@pytest.mark.parametrize(
    ("stopped", "changes", "verdict", "rule"),
    [
        pytest.param(True, {}, "reject", "opted_out", id="STOP since"),
        pytest.param(False, {"valid_until": NOON + DAY}, "expire", "expired", id="too late"),
    ],
)
def test_a_returned_order_may_have_no_second_chance(
    stopped: bool, changes: dict[str, Any], verdict: str, rule: str
) -> None:
    processor = consented()
    order = ordered(processor, message_id="a", **changes)
    for event in [opt_out()] * stopped:
        processor.feed(event, at=NOON + SECOND)
    processor.now = NOON + DAY
    assert decided(
        processor.publish_from(Returned(order=order, reason="late", at=processor.now))
    ) == [("a", verdict, [rule])]


def test_an_order_returns_once() -> None:
    processor = consented()
    order = ordered(processor)
    processor.now = NOON + MINUTE
    returned = Returned(order=order, reason="late", at=processor.now)
    assert processor.publish_from(returned)
    assert processor.publish_from(returned) == []
    second = processor.published_on(DISPATCH_ORDERS)[-1]
    processor.feed(opt_out(), at=NOON + MINUTE)
    processor.feed(Returned(order=second, reason="late", at=processor.now))
    assert processor.publish_from(Returned(order=second, reason="late", at=processor.now)) == []


def test_an_order_nobody_knows_is_set_aside() -> None:
    order = ordered(consented())
    (letter,) = on_topic(
        DEAD_LETTERS, gate_processor().publish_from(Returned(order=order, reason="late", at=NOON))
    )
    assert letter.cause == "unknown_order"


def test_a_message_that_keeps_coming_back_ends() -> None:
    processor = consented()
    order = ordered(processor, message_id="a")
    while processor.now < NOON + 28 * DAY:
        processor.now += 36 * HOUR
        (order,) = on_topic(
            DISPATCH_ORDERS,
            processor.publish_from(Returned(order=order, reason="late", at=processor.now)),
        )
    processor.now += 36 * HOUR
    assert decided(
        processor.publish_from(Returned(order=order, reason="late", at=processor.now))
    ) == [("a", "expire", ["held_too_long"])]
