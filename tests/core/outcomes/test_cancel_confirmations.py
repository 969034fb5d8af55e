"""People is told of what dispatch took back, if nobody had been called for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.attempt import Attempt, DeliveryReceipt
from schemas.decision import Decision
from schemas.topics import PERSON_ANSWERS
from streams.outcomes import outcomes, outcomes_on_timer
from streams.processing import build_settings
from tests.core.harness import ProcessorHarness

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SAME: dict[str, Any] = {"message_id": "m1:moved-2", "tenant": "acme"}


def decision(**changes: Any) -> Decision:
    said = {
        "kind": "direct",
        "person_id": "p1",
        "request_id": "m1",
        "to": "+14155550142",
        "requested_at": NOON,
    }
    judged = {
        "verdict": "send",
        "decided_at": NOON,
        "policy_version": "p",
        "consent_epoch": 1,
        "evidence": {},
    }
    return Decision.model_validate(SAME | said | judged | changes)


def attempt(state: str, number: int = 0, code: str | None = None) -> Attempt:
    said = {"attempt": number, "sender": "24273", "state": state, "code": code, "at": NOON}
    return Attempt.model_validate(SAME | said)


def receipt() -> DeliveryReceipt:
    return DeliveryReceipt.model_validate(
        SAME | {"attempt": 1, "provider_id": "SM1", "status": "sent", "received_at": NOON}
    )


QUEUED, TAKEN_BACK = attempt("queued"), attempt("canceled", code="canceled")

TOLD: list[Any] = [
    pytest.param([decision(), QUEUED, TAKEN_BACK], 1, id="queued and taken back"),
    pytest.param([TAKEN_BACK, QUEUED, decision()], 1, id="in any order"),
    pytest.param([decision(), QUEUED, TAKEN_BACK, TAKEN_BACK, decision()], 1, id="once"),
    pytest.param([decision(), QUEUED, attempt("expired"), TAKEN_BACK], 1, id="handed back before"),
    pytest.param([decision(), QUEUED, attempt("canceled", code="stopped")], 0, id="by a STOP"),
    pytest.param(
        [decision(), attempt("sending", 1), attempt("canceled", 1, "canceled")],
        0,
        id="a call was begun",
    ),
    pytest.param(
        [decision(), attempt("deferred", 1), attempt("canceled", 1, "canceled")],
        0,
        id="one was refused",
    ),
    pytest.param([decision(), receipt(), TAKEN_BACK], 0, id="the provider knows of it"),
    pytest.param([decision(request_id=None), QUEUED, TAKEN_BACK], 0, id="people did not issue it"),
    pytest.param([decision(verdict="cancel")], 0, id="by the gate, which tells itself"),
]


@pytest.mark.parametrize(("records", "times"), TOLD)
def test_people_hear_of_a_cancel_before_any_call(records: list[Any], times: int) -> None:
    processor = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1:moved-2", build_settings({}, {}), now=NOON
    )
    for record in records:
        processor.feed(record)
    told = processor.published_on(PERSON_ANSWERS)
    assert [
        (one.person_id, one.request_id, one.message_id, one.verdict.value, one.by) for one in told
    ] == ([("p1", "m1", "m1:moved-2", "cancel", "people")] * times)
