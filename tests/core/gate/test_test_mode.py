"""A request in test mode: the rules say what they would say, and nothing goes, whatever follows."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decision import Verdict
from schemas.send_request import CancelRequest
from schemas.topics import (
    APPROVAL_LOG,
    CONSENT_STATUS,
    CONTACTS,
    DEAD_LETTERS,
    DECISIONS,
    DISPATCH_ORDERS,
    PERSON_ANSWERS,
)
from streams.gate.state import HELD
from streams.reasons import find_tested_verdict
from tests.core.gate.cases import (
    DAY,
    HOUR,
    NOON,
    PHONE,
    decided,
    gate_processor,
    opt_in,
    opt_out,
    request,
)
from tests.core.gate.test_approvals import COURT, approval
from tests.core.harness import ProcessorHarness, on_topic


def in_test_mode(**changes: Any) -> Any:
    return request(**({"message_id": "m1", "test_mode": True} | changes))


OTHERWISE: list[Any] = [
    pytest.param({}, {}, True, "send", [], id="it would go"),
    pytest.param({}, {}, False, "hold", ["not_opted_in"], id="it would wait for a yes"),
    pytest.param({}, {"not_before": NOON + HOUR}, True, "hold", ["not_before"], id="for its time"),
    pytest.param(
        COURT, {"branch": "court"}, True, "hold", ["awaiting_approval"], id="for approval"
    ),
    pytest.param({}, {"undo_seconds": 10}, True, "hold", ["undo"], id="for its undo"),
    pytest.param({}, {"body": ""}, True, "reject", ["bad_body"], id="nothing to send"),
    pytest.param({}, {"valid_until": NOON - HOUR}, True, "expire", ["expired"], id="too late"),
    pytest.param(
        {}, {"tenant": "acme", "kind": "fax"}, True, "reject", ["unknown_kind"], id="kind"
    ),
]


@pytest.mark.parametrize(("policy", "text", "agreed", "verdict", "rules"), OTHERWISE)
def test_it_is_evaluated_and_ends_at_once(
    policy: dict[str, Any], text: dict[str, Any], agreed: bool, verdict: str, rules: list[str]
) -> None:
    processor = gate_processor(**policy)
    if agreed:
        processor.feed(opt_in())
    told = processor.publish_from(in_test_mode(**text))
    assert decided(told) == [("m1", "cancel", ["test_mode", *rules])]
    (decision,) = on_topic(DECISIONS, told)
    assert decision.test_mode is True
    assert find_tested_verdict(decision.findings) is Verdict(verdict)
    assert on_topic(CONTACTS, told) == []
    assert_nothing_follows(processor)


def assert_nothing_follows(processor: ProcessorHarness) -> None:
    """Neither a text nor an opt-in request, whatever anybody does."""
    assert not [name for name in processor.state.raw if name.startswith(HELD)]
    before = len(processor.published_on(DECISIONS))
    processor.feed(opt_in(), at=NOON + HOUR)
    processor.feed(approval())
    processor.feed(approval("send_now"))
    processor.feed(in_test_mode())
    processor.run_until(NOON + 40 * DAY)
    assert processor.published_on(DISPATCH_ORDERS) == []
    assert len(processor.published_on(DECISIONS)) == before
    assert not any(one.applied for one in processor.published_on(APPROVAL_LOG))


def test_after_a_stop_it_says_so() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(opt_out(), at=NOON + HOUR)
    told = processor.publish_from(in_test_mode())
    assert decided(told) == [("m1", "cancel", ["test_mode", "opted_out"])]


def test_a_cancel_ahead_of_it_changes_nothing() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(CancelRequest(tenant="acme", number=PHONE, message_id="m1", by="dana", at=NOON))
    assert decided(processor.publish_from(in_test_mode())) == [
        ("m1", "cancel", ["test_mode", "canceled"])
    ]
    assert processor.published_on(DISPATCH_ORDERS) == []


def test_it_leaves_the_consent_of_the_number_as_it_was() -> None:
    processor = gate_processor()
    told = processor.publish_from(in_test_mode())
    assert [one.asked for one in on_topic(CONSENT_STATUS, told) if hasattr(one, "asked")] == []
    processor.run_until(NOON + DAY)
    assert [one.held for one in processor.published_on(CONSENT_STATUS) if one.held] == []


def test_it_counts_towards_no_cap() -> None:
    processor = gate_processor(when={"quiet_hours": "none", "caps": {"reminder": {"day": 1}}})
    processor.feed(opt_in())
    processor.feed(in_test_mode())
    assert decided(processor.publish_from(request(message_id="m2"))) == [("m2", "send", [])]


@pytest.mark.parametrize("first", [True, None])
def test_a_live_request_is_no_repeat_of_one_in_test_mode(first: bool | None) -> None:
    """Nor the other way round: a program that goes live under old ids must be told."""
    processor = gate_processor()
    processor.feed(opt_in())
    processor.feed(in_test_mode(test_mode=first))
    again = processor.publish_from(in_test_mode(test_mode=None if first else True))
    assert [one.cause for one in on_topic(DEAD_LETTERS, again)] == ["id_reused"]
    assert decided(again) == []


def test_people_learn_that_it_is_over() -> None:
    processor = gate_processor()
    processor.feed(opt_in())
    people = {"person_id": "p1", "request_id": "m1", "received_at": NOON}
    told = processor.publish_from(in_test_mode(resolved=people, person_id="p1"))
    assert [one.verdict for one in on_topic(PERSON_ANSWERS, told)] == ["cancel"]
