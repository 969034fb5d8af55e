"""What outcomes learn of a number, and what the gate makes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.attempt import DeliveryReceipt
from schemas.decision import Decision
from schemas.person import NumberFact
from schemas.topics import NUMBER_FACTS
from streams.gate.number_facts import apply_fact
from streams.gate.state import NumberState
from streams.outcomes import outcomes, outcomes_on_timer
from streams.processing import build_settings
from streams.state_entry import dump, parse
from tests.core.harness import ProcessorHarness

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SAME: dict[str, Any] = {"message_id": "m1", "tenant": "acme"}
SENT = Decision.model_validate(
    SAME
    | {
        "kind": "direct",
        "to": "+14155550142",
        "requested_at": NOON,
        "verdict": "send",
        "decided_at": NOON,
    }
    | {"policy_version": "p", "consent_epoch": 1, "evidence": {}}
)


def receipt(status: str, code: str | None = None) -> DeliveryReceipt:
    said = {
        "attempt": 1,
        "provider_id": "SM1",
        "status": status,
        "error_code": code,
        "received_at": NOON,
    }
    return DeliveryReceipt.model_validate(SAME | said)


FACTS: list[Any] = [
    pytest.param([receipt("failed", "30006")], [{"landline": True}], id="a landline"),
    pytest.param([receipt("failed", "21614")], [{"landline": True}], id="not a mobile"),
    pytest.param([receipt("undelivered", "30003")], [{"unreachable_at": NOON}], id="switched off"),
    pytest.param([receipt("undelivered", "30005")], [{"unreachable_at": NOON}], id="unknown"),
    pytest.param(
        [receipt("failed", "21635")],
        [{"landline": True}],
        id="a landline, in the provider's own words",
    ),
    pytest.param(
        [receipt("undelivered", "30004")], [{"unreachable_at": NOON}], id="blocked, or a landline"
    ),
    pytest.param([receipt("failed", "21211")], [{"suppressed": True}], id="not a number"),
    pytest.param([receipt("undelivered", "30007")], [], id="filtered: nothing of the number"),
    pytest.param([receipt("failed", "21610")], [], id="a STOP is consent's matter"),
    pytest.param([receipt("failed", "39999")], [], id="a code nobody knows"),
    pytest.param(
        [receipt("failed", "30005"), receipt("undelivered", "30003")],
        [{"unreachable_at": NOON}],
        id="the same day by another code",
    ),
    pytest.param([receipt("delivered")], [], id="delivered"),
    pytest.param([receipt("failed", "30006")] * 2, [{"landline": True}], id="said once"),
    pytest.param(
        [receipt("failed", "30006"), receipt("delivered")],
        [{"landline": True}, {"landline": False}],
        id="taken back",
    ),
    pytest.param(
        [receipt("failed", "21268"), receipt("delivered")],
        [{"suppressed": True}, {"suppressed": False}],
        id="taken back too",
    ),
]


@pytest.mark.parametrize(("receipts", "records"), FACTS)
def test_which_outcomes_publish_number_facts(
    receipts: list[DeliveryReceipt], records: list[dict[str, Any]]
) -> None:
    processor = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1", build_settings({}, {}), now=NOON
    )
    for record in (SENT, *receipts):
        processor.feed(record)
    told = [
        one.model_dump(
            exclude_none=True, include={"landline", "suppressed", "unreachable_at", "doubtful"}
        )
        for one in processor.published_on(NUMBER_FACTS)
    ]
    assert told == records


def test_a_number_fact_names_its_receipt() -> None:
    processor = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1", build_settings({}, {}), now=NOON
    )
    for record in (SENT, receipt("sent"), receipt("failed", "30008"), receipt("failed", "30006")):
        processor.feed(record)
    [record] = processor.published_on(NUMBER_FACTS)
    assert (record.message_id, record.error_code) == ("m1", "30006")
    assert record.evidence.origin == "sms.delivery-receipts@0:3"
    assert (record.evidence.topic, record.evidence.offset) == ("sms.delivery-receipts", 3)


def test_a_late_number_fact_names_its_day() -> None:
    """A receipt from yesterday, read today."""
    processor = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1", build_settings({}, {}), now=NOON + DAY
    )
    for record in (receipt("undelivered", "30003"), SENT):
        processor.feed(record)
    [record] = processor.published_on(NUMBER_FACTS)
    assert record.unreachable_at == NOON
    assert record.evidence.offset == 0


def after(*records: dict[str, Any]) -> NumberState:
    row = NumberState()
    for said in records:
        record = NumberFact.model_validate(
            {"tenant": "acme", "number": "+14155550142", "at": NOON} | said
        )
        row = apply_fact(row, record)
    return row


def not_reached(*days: float) -> list[dict[str, Any]]:
    return [{"unreachable_at": NOON + day * DAY} for day in days]


DOUBT: list[Any] = [
    pytest.param(not_reached(0, 1), None, id="two days"),
    pytest.param(not_reached(0, 1, 2), True, id="three days"),
    pytest.param(not_reached(0, 0.1, 0.2, 0.3), None, id="four times on one day"),
    pytest.param(not_reached(2, 0, 1), True, id="in any order"),
    pytest.param(not_reached(0, 40, 80), None, id="months apart"),
    pytest.param([*not_reached(0, 1, 2), {"doubtful": False}], False, id="somebody has looked"),
    pytest.param(
        [*not_reached(0, 1, 2), {"doubtful": False}, *not_reached(3, 4)],
        False,
        id="and it counts anew",
    ),
]


@pytest.mark.parametrize(("records", "doubtful"), DOUBT)
def test_several_days_make_a_number_doubtful(
    records: list[dict[str, Any]], doubtful: bool | None
) -> None:
    row = after(*records)
    assert row.doubtful is doubtful
    assert len(row.unreachable) <= 3


def test_days_survive_being_written() -> None:
    row = after(*not_reached(0, 1))
    again = parse(NumberState, dump(row))
    assert again.unreachable == (date(2026, 11, 21), date(2026, 11, 22))
