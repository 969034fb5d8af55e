"""What became of a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.controls import Sighting
from schemas.decision import Finding, Verdict
from schemas.outcome import Was
from schemas.topics import DEAD_LETTERS, DISPATCH_CONTROLS, OUTCOMES
from streams.error_codes import lookup
from streams.outcomes.reports import MAX_REPORTS
from streams.outcomes.state import MessageState
from streams.partition.changelog import MAX_ENTRY
from streams.processing import PartitionAcquired
from tests.core.harness import START
from tests.core.outcomes.records import CODE, attempt, decision, last, processor, receipt, state

LATER = START + timedelta(hours=100)
SENT = [decision(), attempt("queued", 0), attempt("sending"), attempt("accepted")]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([decision("reject")], "rejected", id="refused by the gate"),
        pytest.param([decision("hold")], "held", id="held"),
        pytest.param([decision("hold"), decision("send", 2)], "queued", id="held, then released"),
        pytest.param([decision("send", 2), decision("hold")], "queued", id="the highest seq holds"),
        pytest.param(SENT[:2], "queued", id="queued"),
        pytest.param(SENT[:3], "sending", id="sending"),
        pytest.param(SENT, "accepted", id="accepted"),
        pytest.param([*SENT, receipt("queued")], "accepted", id="queued at the provider"),
        pytest.param([*SENT, receipt("sent")], "sent", id="sent"),
        pytest.param([*SENT, receipt("delivered")], "delivered", id="delivered"),
        pytest.param(
            [*SENT, receipt("delivered"), receipt("sent")], "delivered", id="out of order"
        ),
        pytest.param([*SENT, receipt("DELIVERED ")], "delivered", id="written another way"),
        pytest.param(
            [*SENT, receipt("undelivered", "30003")], "undelivered 30003", id="undelivered"
        ),
        pytest.param(
            [*SENT, receipt("failed", "30005"), receipt("undelivered")],
            "undelivered 30005",
            id="a failure borrows the code of another",
        ),
        pytest.param(
            [*SENT, receipt("undelivered", "30008"), receipt("undelivered", "30003")],
            "undelivered 30003",
            id="a code that names a cause beats the generic one",
        ),
        pytest.param(
            [*SENT, receipt("undelivered", "30003"), receipt("delivered")],
            "delivered",
            id="contradiction",
        ),
        pytest.param([*SENT, receipt("delivered"), receipt("read")], "read", id="read"),
        pytest.param([*SENT, receipt("canceled")], "canceled", id="canceled at the provider"),
        pytest.param([decision(), attempt("refused", code="21610")], "refused 21610", id="refused"),
        pytest.param([decision(), attempt("in_doubt")], "in_doubt", id="in doubt"),
        pytest.param(
            [decision(), attempt("in_doubt"), receipt("sent")],
            "sent",
            id="a receipt ends the doubt",
        ),
        pytest.param([decision(), attempt("deferred", code="20429")], "deferred 20429", id="429"),
        pytest.param(
            [decision(), attempt("deferred"), attempt("sending", 2)], "sending", id="tried again"
        ),
        pytest.param(
            [decision(), attempt("accepted", 2), attempt("deferred")],
            "accepted",
            id="numbers decide",
        ),
        pytest.param(
            [decision(), attempt("accepted"), attempt("canceled", 2)],
            "accepted",
            id="one that left beats a later one that did not",
        ),
        pytest.param(
            [
                decision(),
                attempt("accepted"),
                attempt("accepted", 2),
                receipt("delivered"),
                receipt("undelivered", "30003", 2),
            ],
            "delivered",
            id="one that arrived beats all",
        ),
        pytest.param(
            [decision(), attempt("canceled", 0, code="stopped")], "canceled stopped", id="stopped"
        ),
        pytest.param(
            [decision(), attempt("queued", 0), decision("cancel", 2)], "canceled", id="taken back"
        ),
        pytest.param(
            [decision(), attempt("accepted"), decision("cancel", 2)],
            "accepted",
            id="taken back too late",
        ),
        pytest.param(
            [decision(), attempt("expired", 0, code="out_of_time")],
            "held out_of_time",
            id="handed back",
        ),
        pytest.param(
            [decision(), attempt("expired", 0), decision("expire", 2)], "expired", id="and expired"
        ),
        pytest.param(
            [decision(), attempt("expired", 0), decision("hold", 2)], "held", id="and held"
        ),
        pytest.param(
            [decision(), attempt("expired", 0), decision("send", 2), attempt("queued", 1)],
            "queued",
            id="and ordered again",
        ),
        pytest.param(
            [
                decision(),
                attempt("expired", 0),
                decision("send", 2, decided_at=LATER),
                attempt("queued", 0),
            ],
            "queued",
            id="and ordered again, counted from 0",
        ),
        pytest.param(
            [receipt("delivered"), decision(), attempt("accepted")],
            "delivered",
            id="before the answer",
        ),
        pytest.param(
            [receipt("delivered"), attempt("accepted")],
            "nothing",
            id="nothing before a decision is known",
        ),
        pytest.param([*SENT, receipt("teleported")], "accepted", id="unknown status"),
        pytest.param(
            [*SENT, receipt("delivered", provider_id="SM666")], "accepted", id="of another text"
        ),
        pytest.param(
            [*SENT, receipt("undelivered", "31999")], "undelivered 31999", id="unknown code"
        ),
        pytest.param([*SENT, receipt("sent", number=7)], "sent", id="an attempt nobody reported"),
    ],
)
def test_state(records: list[Any], expected: str) -> None:
    harness = processor()
    for record in records:
        harness.feed(record)
    assert state(harness) == expected


def test_an_outcome_says_who_what_why_and_what_to_do() -> None:
    harness = processor()
    for record in (*SENT, receipt("undelivered", "30003")):
        harness.feed(record)
    told = last(harness)
    assert told is not None
    assert (told.branch, told.sender, told.kind, told.segments, told.final) == (
        "north",
        CODE,
        "reminder",
        2,
        True,
    )
    assert told.error_title == lookup("30003").title
    assert told.next_step == lookup("30003").next_step
    assert told.was == Was(state="accepted", segments=2, segments_predicted=2)
    assert [one.version for one in harness.published_on(OUTCOMES)] == [1, 2, 3, 4]


def test_a_verdict_brings_its_own_next_step() -> None:
    findings = (
        Finding(rule="a", verdict=Verdict.HOLD, reason="", next_step="wait"),
        Finding(rule="b", verdict=Verdict.REJECT, reason="", next_step="ask them to opt in"),
    )
    harness = processor()
    harness.feed(decision("reject", findings=findings))
    told = last(harness)
    assert told is not None
    assert (told.error_code, told.next_step) == (None, "ask them to opt in")


def test_the_gates_reason_ends_when_the_provider_has_it() -> None:
    ready = Finding(
        rule="ready", verdict=Verdict.SEND, reason="", next_step="nothing: it goes by itself"
    )
    harness = processor()
    harness.feed(decision("send", findings=(ready,)))
    told = last(harness)
    assert told is not None
    assert told.next_step == ready.next_step
    for record in (*SENT[1:], receipt("delivered")):
        harness.feed(record)
    told = last(harness)
    assert told is not None
    assert (told.state, told.next_step) == ("delivered", None)


@pytest.mark.parametrize("again", [*SENT, receipt("delivered")])
def test_a_repeat_publishes_nothing(again: Any) -> None:
    harness = processor()
    for record in (*SENT, receipt("delivered")):
        harness.feed(record)
    assert harness.feed(again) == ({}, (), {}, ())


def test_an_invisible_change_is_kept_not_published() -> None:
    harness = processor()
    for record in (*SENT, receipt("delivered")):
        harness.feed(record)
    step = harness.feed(receipt("queued", provider_id="SM1"))
    assert step.state
    assert not step.publish
    assert b'"queued"' in harness.state.raw["life"]


@pytest.mark.parametrize(
    ("records", "expected", "kept"),
    [
        pytest.param(
            [*SENT, receipt("delivered"), receipt("failed", "30008")],
            "delivered",
            ("failed 30008",),
            id="it arrived and it failed",
        ),
        pytest.param(
            [*SENT, receipt("undelivered", "30003"), receipt("failed"), receipt("read")],
            "read",
            ("failed", "undelivered 30003"),
            id="it was read and did not arrive, twice",
        ),
        pytest.param(
            [decision(), attempt("refused", code="21610"), receipt("sent")],
            "sent",
            ("refused 21610",),
            id="it was never taken and is on its way",
        ),
        pytest.param(
            [*SENT, receipt("failed", "30008"), receipt("undelivered", "30003")],
            "undelivered 30003",
            (),
            id="two words for one failure are none",
        ),
        pytest.param(
            [*SENT, receipt("sent"), receipt("delivered"), receipt("read")],
            "read",
            (),
            id="nor is a life",
        ),
    ],
)
def test_a_contradiction_is_kept_and_published(
    records: list[Any], expected: str, kept: tuple[str, ...]
) -> None:
    harness = processor()
    for record in records:
        harness.feed(record)
    told = last(harness)
    assert told is not None
    assert (state(harness), told.contradictions) == (expected, kept)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(decision(seq=2, to="+14155550999"), id="decision for another number"),
        pytest.param(decision(seq=2, fingerprint="g"), id="decision on another text"),
        pytest.param(attempt("accepted", to="+14155550999"), id="attempt at another number"),
    ],
)
def test_another_text_under_the_same_id_is_a_dead_letter(foreign: Any) -> None:
    harness = processor()
    harness.feed(decision())
    step = harness.feed(foreign)
    assert not step.state
    assert [letter.cause for letter in harness.published_on(DEAD_LETTERS)] == ["id_reused"]
    assert state(harness) == "queued"


def test_an_earlier_attempt_at_another_number_is_ignored() -> None:
    harness = processor()
    harness.feed(attempt("accepted", to="+14155550999"))
    harness.feed(decision())
    assert state(harness) == "queued"


@pytest.mark.parametrize("open_end", [attempt("in_doubt"), attempt("deferred")])
@pytest.mark.parametrize("receipt_first", [True, False])
def test_dispatch_gets_one_sighting_of_an_open_attempt(open_end: Any, receipt_first: bool) -> None:
    harness = processor()
    harness.feed(decision())
    records = [open_end, receipt("sent")]
    for record in reversed(records) if receipt_first else records:
        harness.feed(record)
    harness.feed(receipt("delivered"))
    harness.feed(attempt("accepted", evidence="sighting"))
    seen = harness.published_on(DISPATCH_CONTROLS)
    assert seen == [
        Sighting(
            sender=CODE,
            tenant="acme",
            message_id="m1",
            attempt=1,
            provider_id="SM1",
            status="sent",
            at=START,
        )
    ]


@pytest.mark.parametrize("news", ["accepted", "sent"])
def test_silence_is_unknown_until_a_late_receipt(news: str) -> None:
    harness = processor()
    for record in (*SENT, *([receipt("sent")] if news == "sent" else [])):
        harness.feed(record)
    harness.wait(72 * 3600 - 1)
    assert state(harness) == news
    harness.wait(20)
    assert state(harness) == "unknown"
    told = last(harness)
    assert told is not None
    assert not told.final
    harness.feed(receipt("sent"))
    assert state(harness) == "unknown"
    harness.feed(receipt("delivered"))
    assert state(harness) == "delivered"


def test_the_clock_does_not_end_in_doubt() -> None:
    harness = processor()
    harness.feed(decision())
    harness.feed(attempt("in_doubt"))
    harness.wait(100 * 24 * 3600)
    assert state(harness) == "in_doubt"
    assert "life" in harness.state.raw


@pytest.mark.parametrize(
    "records",
    [[decision("reject")], [*SENT, receipt("delivered")], [receipt("delivered")], SENT],
    ids=str,
)
def test_a_finished_message_is_forgotten_after_35_days(records: list[Any]) -> None:
    harness = processor()
    for record in records:
        harness.feed(record)
    harness.wait(34 * 24 * 3600)
    assert harness.state.raw
    harness.wait(5 * 24 * 3600)
    assert not harness.state.raw


def test_the_entry_stays_small_whatever_is_reported() -> None:
    harness = processor()
    harness.feed(decision(branch="b" * 10**6, kind="k" * 10**6, person_id="p" * 10**6))
    for number in range(300):
        harness.feed(attempt("deferred", number, code="c" * 10**6))
        harness.feed(receipt(f"status {number}", "9" * 10**6, number % 5))
        harness.feed(receipt("failed", str(number) * 1000, number % 5, provider_id="x" * 10**6))
    assert len(harness.state.raw["life"]) < 64 << 10


def test_times_at_the_calendars_end_stop_nothing() -> None:
    harness = processor()
    end = datetime.max.replace(tzinfo=UTC)
    harness.feed(decision(requested_at=end))
    harness.feed(attempt("accepted", at=end))
    harness.wait(72 * 3600 + 1)
    assert state(harness) == "unknown"
    harness.feed(
        receipt("delivered", received_at=datetime.min.replace(tzinfo=UTC) + timedelta(days=1))
    )
    assert state(harness) == "delivered"


def test_other_records_are_ignored() -> None:
    assert processor().answer(PartitionAcquired()) == ({}, (), {}, ())


@pytest.mark.parametrize("sign", ["x", "é", "\x01"])
def test_the_entry_stays_small_whatever_callbacks_say(sign: str) -> None:
    """A row over 64 kB would end the worker, and again at each of its restarts."""
    harness = processor()
    for record in SENT:
        harness.feed(record)
    for number in range(1, 20):
        for n in range(14):
            harness.feed(receipt("failed", sign * 200, number, provider_id=f"{n}{sign * 200}"))
    harness.feed(receipt("delivered"))
    assert len(harness.state.raw["life"]) < MAX_ENTRY
    assert state(harness) == "delivered"


def test_sixteen_real_attempts_are_kept_whole() -> None:
    words = ("queued", "sending", "in_doubt")
    said = [attempt(word, number) for number in range(1, 17) for word in words]
    heard = [
        receipt(word, None, number, provider_id=f"SM{number:032x}")
        for number in range(1, 17)
        for word in ("queued", "sent", "undelivered")
    ]
    harness = processor()
    for record in (decision(), *said, *heard):
        harness.feed(record)
    life = harness.state.get("life", MessageState)
    assert life is not None
    assert sum(len(reports) for reports in life.attempts.values()) == len(said) + len(heard)


def test_silence_is_noticed_whatever_callbacks_say() -> None:
    """Of other texts, and so many that none more are kept: the clock's own report is, or it
    would ring for ever."""
    harness = processor()
    for record in (
        *SENT,
        *[receipt("delivered", provider_id=f"SM-other-{i}") for i in range(2 * MAX_REPORTS)],
    ):
        harness.feed(record)
    harness.wait(73 * 3600)
    assert state(harness) == "unknown"


def test_an_absurd_segment_count_stops_nothing() -> None:
    harness = processor()
    for record in (
        decision(segments=2**53 - 1),
        attempt("accepted", segments=3),
        attempt("accepted", 2),
    ):
        harness.feed(record)
    told = last(harness)
    assert told is not None
    assert 3 < told.segments < 2**53 - 1
