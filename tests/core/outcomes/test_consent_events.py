"""What outcomes tells the gate of a number's consent."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.topics import CONSENT_EVENTS
from tests.core.outcomes.records import ANA, CODE, attempt, decision, processor, receipt

SENT = [attempt("queued", 0), attempt("sending"), attempt("accepted")]
REFUSED = [attempt("queued", 0), attempt("sending")]


def published_events(*records: Any) -> list[tuple[str, str, str | None]]:
    """(action, what happened, message) of each event."""
    harness = processor()
    for record in records:
        harness.feed(record)
    events = harness.published_on(CONSENT_EVENTS)
    assert all(
        (one.tenant, one.number, one.sender, one.source) == ("acme", ANA, CODE, "carrier")
        for one in events
    )
    assert len({one.event_id for one in events}) == len(events)
    return [(one.action, one.evidence.text, one.message_id) for one in events]


ASK = decision(kind="consent_ask")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(
            [decision(), *REFUSED, attempt("refused", code="21610")],
            [("opt_out", "refused 21610", "m1")],
            id="the carrier has a STOP of theirs",
        ),
        pytest.param(
            [
                decision(),
                *REFUSED,
                attempt("refused", code="21610"),
                attempt("refused", code="21610"),
            ],
            [("opt_out", "refused 21610", "m1")],
            id="told once",
        ),
        pytest.param(
            [*REFUSED, attempt("refused", code="21610"), decision()],
            [("opt_out", "refused 21610", "m1")],
            id="in another order",
        ),
        pytest.param(
            [decision(), *SENT, receipt("failed", "21610")],
            [("opt_out", "failed 21610", "m1")],
            id="noticed later, as by a messaging service",
        ),
        pytest.param(
            [decision(), *SENT, receipt("failed", "30630")],
            [("opt_out", "failed 30630", "m1")],
            id="on the provider's own register",
        ),
        pytest.param(
            [decision(), *REFUSED, attempt("refused", code="21614")],
            [],
            id="refused for something else",
        ),
        pytest.param([decision(), *SENT, receipt("delivered")], [], id="delivered"),
        pytest.param([ASK, *SENT, receipt("delivered")], [], id="an ask that arrived"),
        pytest.param([ASK, *REFUSED, attempt("in_doubt")], [], id="an ask that may have arrived"),
        pytest.param(
            [ASK, *REFUSED, attempt("refused", code="21612")],
            [("ask_failed", "refused 21612", "m1")],
            id="an ask that was refused",
        ),
        pytest.param(
            [ASK, *SENT, receipt("sent"), receipt("undelivered", "30003")],
            [("ask_failed", "undelivered 30003", "m1")],
            id="an ask that did not arrive",
        ),
        pytest.param(
            [ASK, *SENT, receipt("undelivered", "30003"), receipt("failed", "30005")],
            [("ask_failed", "undelivered 30003", "m1")],
            id="it failed once",
        ),
        pytest.param(
            [ASK, *REFUSED, attempt("refused", code="21610")],
            [("opt_out", "refused 21610", "m1"), ("ask_failed", "refused 21610", "m1")],
            id="both",
        ),
        pytest.param(
            [ASK, attempt("queued", 0), attempt("canceled", 0, code="stopped")],
            [("ask_failed", "canceled stopped", "m1")],
            id="an ask that a STOP took back",
        ),
    ],
)
def test_which_outcomes_publish_consent_events(
    records: list[Any], expected: list[tuple[str, str, str | None]]
) -> None:
    assert published_events(*records) == expected


def test_a_consent_event_names_its_record() -> None:
    harness = processor()
    for record in (decision(), *REFUSED, attempt("refused", code="21610")):
        harness.feed(record)
    [event] = harness.published_on(CONSENT_EVENTS)
    assert event.evidence.origin == "sms.attempts@0:3"
    assert (event.evidence.topic, event.evidence.partition, event.evidence.offset) == (
        "sms.attempts",
        0,
        3,
    )
