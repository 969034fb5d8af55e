"""What staff hear of a text that has failed somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.decision import Finding, Verdict
from schemas.outcome import Alert, Urgency
from schemas.tenant_settings import TenantSettings
from schemas.topics import ALERTS
from streams.alert_words import format_day, urgency
from streams.error_codes import lookup
from streams.outcomes import outcomes, outcomes_on_timer
from streams.processing import build_settings
from tests.core.harness import START, ProcessorHarness
from tests.core.outcomes.records import attempt, decision, receipt

HARBOR = TenantSettings(tenant="acme", name="Acme", sender="72975", time_zone="America/New_York")
HEARING = datetime(2026, 11, 24, 14, tzinfo=UTC)
"""Tuesday, 9:00 in New York; it is Monday, 10:00 there."""

ABOUT: dict[str, Any] = {"event_id": "e1", "event_at": HEARING, "event_title": "hearing"}
SENT = [attempt("queued", 0), attempt("sending"), attempt("accepted"), receipt("sent")]
LOST = receipt("undelivered", "30005")


def run_alerts(*records: Any, now: datetime = START) -> list[Alert]:
    harness = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1", build_settings({"acme": HARBOR}, {})
    )
    harness.now = now
    for record in records:
        harness.feed(record)
    alerts: list[Alert] = harness.published_on(ALERTS)
    return alerts


def because(rule: str, verdict: str) -> tuple[Finding, ...]:
    return (
        Finding(
            rule=rule, verdict=Verdict(verdict), reason="The recipient opted out", next_step="call"
        ),
    )


SAYS = [
    pytest.param(
        ABOUT,
        "the reminder for the 9:00 hearing on Tuesday did not arrive: call them",
        id="an event",
    ),
    pytest.param(
        ABOUT | {"time_zone": "America/Los_Angeles"},
        "the reminder for the 6:00 hearing on Tuesday did not arrive: call them",
        id="where they live",
    ),
    pytest.param(
        ABOUT | {"time_zone": "../../etc/passwd"},
        "the reminder for the 9:00 hearing on Tuesday did not arrive: call them",
        id="no zone",
    ),
    pytest.param(
        {"event_at": HEARING + timedelta(days=7)},
        "the reminder for the 9:00 appointment on Tuesday 1 December did not arrive: call them",
        id="in eight days",
    ),
    pytest.param(
        ABOUT | {"event_at": START - timedelta(minutes=30)},
        "the reminder for the 9:30 hearing on Monday did not arrive, and its time has passed:"
        " ask them how it went",
        id="over",
    ),
    pytest.param(
        {"event_id": "e1", "kind": "alert"},
        "the alert for event e1 did not arrive: call them",
        id="by id",
    ),
    pytest.param({"event_title": "inspection"}, None, id="a title alone ties it to nothing"),
    pytest.param(
        {"case_id": "c7", "person_id": "p1"},
        "the reminder in case c7 did not arrive: call them",
        id="case",
    ),
    pytest.param(
        {"person_id": "p1", "kind": "direct"},
        "the text to person p1 did not arrive: call them",
        id="person",
    ),
    pytest.param({}, None, id="nothing at stake"),
    pytest.param({"person_id": "p1", "kind": "marketing"}, None, id="an advertisement"),
    pytest.param({"person_id": "p1", "kind": "test"}, None, id="a test"),
    pytest.param({"person_id": "p1", "kind": "consent_ask"}, None, id="a request to opt in"),
]


@pytest.mark.parametrize(("about", "says"), SAYS)
def test_an_alert_says_what_happened(about: dict[str, Any], says: str | None) -> None:
    assert [alert.says for alert in run_alerts(decision(**about), *SENT, LOST)] == (
        [] if says is None else [says]
    )


def test_an_alert_has_every_field() -> None:
    [alert] = run_alerts(decision(**ABOUT, person_id="p1", case_id="c7"), *SENT, LOST)
    assert (alert.tenant, alert.message_id, alert.branch, alert.to) == (
        "acme",
        "m1",
        "north",
        "+14155550101",
    )
    assert (alert.person_id, alert.case_id, alert.event_id, alert.event_at) == (
        "p1",
        "c7",
        "e1",
        HEARING,
    )
    assert (alert.state, alert.error_code, alert.open) == ("undelivered", "30005", True)
    assert (alert.because, alert.next_step) == (lookup("30005").title, lookup("30005").next_step)
    assert (alert.urgency, alert.before) == (Urgency.SOON, HEARING)
    assert alert.evidence is not None
    assert alert.evidence.origin == "sms.delivery-receipts@0:5"


STATES = [
    pytest.param(
        [decision(**ABOUT), *SENT, receipt("failed", "30008")], ["did not arrive"], id="failed"
    ),
    pytest.param(
        [decision(**ABOUT), attempt("sending"), attempt("refused", code="21211")],
        ["was not sent"],
        id="refused",
    ),
    pytest.param([decision("reject", **ABOUT)], ["was not sent"], id="the gate said no"),
    pytest.param([decision("expire", **ABOUT)], ["was not sent in time"], id="expired"),
    pytest.param(
        [decision(**ABOUT), attempt("queued", 0), attempt("canceled", 0, code="stopped")],
        ["was not sent"],
        id="they said STOP meanwhile",
    ),
    pytest.param([decision("cancel", **ABOUT)], [], id="taken back"),
    pytest.param(
        [decision(**ABOUT), attempt("queued", 0), attempt("canceled", 0, code="canceled")],
        [],
        id="taken back from dispatch",
    ),
    pytest.param([decision(**ABOUT), *SENT, receipt("delivered")], [], id="arrived"),
    pytest.param([decision("hold", **ABOUT)], [], id="held"),
    pytest.param(
        [decision(**ABOUT), attempt("sending"), attempt("in_doubt", code="20503")],
        [],
        id="in doubt",
    ),
    pytest.param(
        [
            decision(**ABOUT),
            attempt("sending"),
            attempt("in_doubt", code="20503"),
            attempt("in_doubt", code="unclear"),
        ],
        ["may not have arrived"],
        id="a doubt left to a person",
    ),
    pytest.param(
        [
            decision(**ABOUT),
            attempt("sending"),
            attempt("in_doubt", code="unclear"),
            attempt("given_up", code="too_long"),
        ],
        ["may not have arrived"],
        id="nobody cleared it up",
    ),
    pytest.param(
        [
            decision(**ABOUT),
            attempt("sending"),
            attempt("in_doubt"),
            attempt("canceled", code="dropped"),
        ],
        [],
        id="dropped by a person",
    ),
    pytest.param(
        [
            decision(**ABOUT),
            attempt("sending"),
            attempt("in_doubt"),
            attempt("canceled", code="absent"),
        ],
        ["was not sent"],
        id="too late to send it again",
    ),
    pytest.param([decision(**ABOUT), *SENT, LOST, LOST, LOST], ["did not arrive"], id="said once"),
    pytest.param([*SENT, LOST, decision(**ABOUT)], ["did not arrive"], id="the decision last"),
    pytest.param(
        [decision(**ABOUT), *SENT, receipt("undelivered", "30008"), LOST],
        ["did not arrive"] * 2,
        id="another cause comes to light",
    ),
]


@pytest.mark.parametrize(("records", "happened"), STATES)
def test_which_states_raise_an_alert(records: list[Any], happened: list[str]) -> None:
    told = run_alerts(*records)
    assert [alert.says for alert in told] == [
        f"the reminder for the 9:00 hearing on Tuesday {one}: call them" for one in happened
    ]
    assert all(alert.open for alert in told)


def test_a_late_delivery_closes_the_alert() -> None:
    first, second = run_alerts(decision(**ABOUT), *SENT, LOST, receipt("delivered"))
    assert first.open
    assert not second.open
    assert second.says == "the reminder for the 9:00 hearing on Tuesday has arrived after all"
    assert second.version > first.version


LATER, DAYS = {"event_at": START + timedelta(days=9)}, timedelta(days=4)
"""Nine days ahead: the provider's silence is over-long on the third."""


def silent(*then: Any, taken: Any = SENT[2], wait: timedelta = DAYS, **about: Any) -> list[Alert]:
    """What is told of a text that nothing is heard of after `taken`, until `then`."""
    harness = ProcessorHarness(
        outcomes, outcomes_on_timer, "acme/m1", build_settings({"acme": HARBOR}, {})
    )
    for record in (decision(**about), *SENT[:2], taken):
        harness.feed(record)
    harness.wait(wait.total_seconds())
    for record in then:
        harness.feed(record)
    alerts: list[Alert] = harness.published_on(ALERTS)
    return alerts


@pytest.mark.parametrize(
    ("about", "told"),
    [
        pytest.param({"event_id": "e1", **LATER}, 1, id="still to come"),
        pytest.param(
            {"person_id": "p1", "valid_until": START + timedelta(days=4)}, 1, id="still of use"
        ),
        pytest.param({"event_id": "e1", "event_at": START + timedelta(days=1)}, 0, id="over"),
        pytest.param(
            {"event_id": "e1", "event_at": START + timedelta(hours=72)}, 0, id="it begins"
        ),
        pytest.param({"case_id": "c7"}, 0, id="nobody knows when"),
        pytest.param({"kind": "test", **LATER}, 0, id="nothing at stake"),
    ],
)
def test_silence_raises_an_alert_while_acting_helps(about: dict[str, Any], told: int) -> None:
    assert len(silent(**about)) == told
    assert silent(wait=timedelta(hours=71), **about) == [], "the carrier may still report"


def test_the_alert_about_silence() -> None:
    [alert] = silent(event_id="e1", event_title="hearing", **LATER)
    assert (
        alert.says
        == "the reminder for the 10:00 hearing on Wednesday may not have arrived: call them"
    )
    assert (alert.state, alert.open, alert.urgency) == ("unknown", True, Urgency.NORMAL)
    assert alert.because == "The carrier has not said for 72 hours whether it arrived"
    assert "Ask them" in (alert.next_step or "")


@pytest.mark.parametrize(
    ("then", "ends"),
    [
        pytest.param(receipt("delivered"), "has arrived after all", id="it arrived"),
        pytest.param(LOST, "did not arrive: call them", id="it did not"),
    ],
)
def test_a_receipt_after_the_silence_decides(then: Any, ends: str) -> None:
    first, second = silent(then, event_id="e1", **LATER)
    assert first.open
    assert second.says.endswith(ends)
    assert second.open is (then is LOST)


def test_an_in_doubt_attempt_raises_one_alert() -> None:
    doubt, over = attempt("in_doubt", code="20503"), attempt("given_up", code="too_long")
    [alert] = silent(over, taken=doubt, event_id="e1", **LATER)
    assert (alert.state, alert.because) == ("unknown", lookup("too_long").title)
    [before] = silent(over, taken=attempt("in_doubt", code="unclear"), event_id="e1", **LATER)
    assert before.state == "in_doubt"
    assert silent(attempt("given_up", code="dropped"), taken=doubt, event_id="e1", **LATER) == []


def test_the_gates_reason_is_given() -> None:
    [alert] = run_alerts(decision("reject", findings=because("opted_out", "reject"), **ABOUT))
    assert (alert.because, alert.next_step) == ("The recipient opted out", "call")


AGAIN = ABOUT | {"resend_of": "m0"}


def test_a_resend_that_arrives_closes_the_first_ones_alert() -> None:
    [alert] = run_alerts(decision(**AGAIN), *SENT, receipt("delivered"))
    assert (alert.message_id, alert.open, alert.closed_by) == ("m0", False, "m1")


def test_a_resend_that_fails_replaces_the_first_alert() -> None:
    own, first = run_alerts(decision(**AGAIN), *SENT, LOST)
    assert (own.message_id, own.open) == ("m1", True)
    assert (first.message_id, first.open, first.closed_by) == ("m0", False, "m1")


def test_an_impossible_resend_id_does_no_harm() -> None:
    assert run_alerts(decision(**ABOUT, resend_of="a/b c"), *SENT, receipt("delivered")) == []


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "event", "expected"),
    [
        pytest.param(4 * HOUR, True, Urgency.NOW, id="four hours"),
        pytest.param(5 * HOUR, True, Urgency.SOON, id="five"),
        pytest.param(DAY, True, Urgency.SOON, id="a day"),
        pytest.param(2 * DAY, True, Urgency.NORMAL, id="two days"),
        pytest.param(timedelta(0), True, Urgency.PASSED, id="it begins"),
        pytest.param(None, False, Urgency.NORMAL, id="nobody knows"),
        pytest.param(HOUR, False, Urgency.NOW, id="valid for an hour"),
        pytest.param(
            -HOUR, False, Urgency.NOW, id="no longer valid: what it is about may be to come"
        ),
        pytest.param(-DAY, False, Urgency.PASSED, id="not valid for a day"),
    ],
)
def test_urgency_depends_on_the_time_left(
    left: timedelta | None, event: bool, expected: Urgency
) -> None:
    before = None if left is None else START + left
    assert urgency(before, before if event else None, START) is expected


def test_a_day_is_named_without_ambiguity() -> None:
    local = datetime(2026, 11, 24, 9)
    assert format_day(local, local - timedelta(days=6)) == "Tuesday"
    assert format_day(local, local - timedelta(days=7)) == "Tuesday 24 November"
    assert format_day(local, local + timedelta(days=1)) == "Tuesday 24 November"


def test_an_event_at_the_calendars_end_does_no_harm() -> None:
    [alert] = run_alerts(
        decision(event_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC), time_zone="Asia/Tokyo"),
        *SENT,
        LOST,
    )
    assert "31 December" in alert.says
