"""In-doubt attempts: the provider's list, a person's decision, the policy for absent texts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.in_doubt import AbsentPolicy, policy_of
from streams.dispatch.list_matching import (
    CLOCK_SPAN,
    Absent,
    Found,
    MatchingAttempts,
    Unclear,
    classify,
    normalize_body,
)
from streams.dispatch.provider_calls import ListedMessage, Result
from tests.core.dispatch.texts import (
    ANA,
    BEN,
    CODE,
    answer_lookups,
    calls_made,
    cancel,
    last,
    late_receipt,
    listed_message,
    lookups,
    order,
    processor,
    reply,
    resolve,
    run_lookups,
    states,
    stop,
)
from tests.core.harness import START, ProcessorHarness


def in_doubt(**changed: object) -> ProcessorHarness:
    harness = processor()
    harness.feed(order(**changed))
    reply(harness, Result.IN_DOUBT)
    return harness


# --- when


def test_when_the_list_is_looked_up() -> None:
    harness = in_doubt()
    harness.wait(19.9)
    assert lookups(harness.calls) == []
    harness.wait(0.2)
    (look,) = lookups(harness.calls)
    assert (look.to, look.round) == (ANA, 1)
    assert (look.not_before, look.not_after) == (START - CLOCK_SPAN, START + CLOCK_SPAN)
    answer_lookups(harness)
    harness.wait(59)
    assert len(lookups(harness.calls)) == 1
    harness.wait(2)
    assert [look.round for look in lookups(harness.calls)] == [1, 2]


def test_a_missing_list_is_looked_up_again() -> None:
    harness = in_doubt()
    assert run_lookups(harness, gone=True) == [1, 1]
    assert last(harness) == "1 in_doubt"
    harness.wait(600)
    assert answer_lookups(harness) == [1]
    assert run_lookups(harness) == [2]
    assert last(harness) == "1 expired absent"


def test_the_next_owner_goes_on_with_lookups() -> None:
    harness = in_doubt()
    harness.wait(20.1)
    harness.crash()
    harness.wait(1)
    answer_lookups(harness)
    harness.wait(30)
    harness.crash()
    harness.wait(31)
    assert answer_lookups(harness) == [2]
    assert last(harness) == "1 expired absent"


def test_at_most_eight_lookups_at_a_time() -> None:
    harness = processor(pace=1000)
    for number in range(20):
        harness.feed(order(f"m{number}", to=f"+1415555{number:04}"))
    reply(harness, Result.IN_DOUBT)
    harness.wait(30)
    assert len(lookups(harness.in_flight)) == 8
    answer_lookups(harness)
    harness.wait(0.1)
    assert len(lookups(harness.in_flight)) == 8


# --- found, absent, unclear


def test_a_listed_text_was_taken() -> None:
    harness = in_doubt()
    assert run_lookups(harness, listed_message("SM7")) == [1]
    assert last(harness) == "1 accepted"
    told = harness.published_on(ATTEMPTS)[-1]
    assert told.provider_id == "SM7"
    assert told.evidence is not None
    assert (
        "1 listed, 0 of other attempts, 1 with this body; its status is delivered" in told.evidence
    )
    harness.wait(80 * 3600)
    assert calls_made(harness) == ["m1#1"]


def test_an_absent_text_returns_after_the_second_lookup() -> None:
    harness = in_doubt()
    harness.wait(21)
    answer_lookups(harness)
    assert harness.published_on(RETURNED) == []
    assert run_lookups(harness) == [2]
    assert last(harness) == "1 expired absent"
    (returned,) = harness.published_on(RETURNED)
    assert returned.reason == "the provider does not list it: 0 listed, 0 of other attempts"
    harness.feed(returned.order.model_copy(update={"issued_at": harness.now}))
    assert calls_made(harness) == ["m1#1", "m1#2"]


def test_a_list_that_lags_does_not_prove_absence() -> None:
    harness = in_doubt()
    harness.wait(21)
    answer_lookups(harness)
    assert run_lookups(harness, listed_message("SM7")) == [2]
    assert last(harness) == "1 accepted"


def test_messages_of_other_attempts_prove_nothing() -> None:
    harness = processor()
    harness.feed(order("m0"))
    reply(harness, Result.ACCEPTED, provider_id="SM0")
    harness.feed(order())
    reply(harness, Result.IN_DOUBT)
    assert run_lookups(harness, listed_message("SM0", "text m0")) == [1, 2]
    assert last(harness) == "1 expired absent"


def test_accepted_ids_are_remembered_for_72_hours() -> None:
    harness = processor()
    harness.feed(order("m0"))
    reply(harness, Result.ACCEPTED, provider_id="SM0")
    harness.crash()
    harness.feed(order())
    harness.wait(1)
    reply(harness, Result.IN_DOUBT)
    run_lookups(harness, listed_message("SM0", "text m0"))
    assert last(harness) == "1 expired absent"
    harness.wait(80 * 3600)
    assert [name for name in harness.state.raw if name.startswith("msg/")] == []


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(listed_message("SM9", "something else"), id="another body"),
        pytest.param(
            listed_message("SM9", sender="+14155559999"), id="our body from another sender"
        ),
    ],
)
def test_an_unknown_listed_message_leaves_it_in_doubt(strange: ListedMessage) -> None:
    harness = in_doubt()
    assert run_lookups(harness, strange) == [1, 2]
    assert last(harness) == "1 in_doubt unclear"
    assert harness.published_on(RETURNED) == []
    harness.wait(3600)
    assert answer_lookups(harness, strange) == [3], "a last time"
    harness.wait(3600)
    assert lookups(harness.in_flight) == []
    assert calls_made(harness) == ["m1#1"]


def test_news_of_others_settles_an_unclear_attempt() -> None:
    harness = processor()
    for name in ("m1", "m2"):
        harness.feed(order(name, body="Same words", kind="reminder"))
    reply(harness, Result.IN_DOUBT)
    assert run_lookups(harness, listed_message("SM1", "Same words")) == [1, 1, 2, 2]
    assert (last(harness), last(harness, "m2")) == ("1 in_doubt unclear", "1 in_doubt unclear")
    harness.feed(late_receipt("m1"))
    harness.wait(900)
    answer_lookups(harness, listed_message("SM1", "Same words"))
    assert (last(harness), last(harness, "m2")) == ("1 accepted", "1 expired absent")


def test_two_texts_with_one_body_are_counted() -> None:
    harness = processor()
    for name in ("m1", "m2"):
        harness.feed(order(name, body="Same words"))
    reply(harness, Result.IN_DOUBT)
    both = (
        listed_message("SM1", "Same words"),
        listed_message("SM2", "Same words", created_at=START + timedelta(seconds=1)),
    )
    run_lookups(harness, *both)
    found = {
        one.message_id: one.provider_id
        for one in harness.published_on(ATTEMPTS)
        if one.state == "accepted"
    }
    assert found == {"m1": "SM1", "m2": "SM2"}


AN_HOUR_OFF = START - timedelta(hours=1)
ASKED = MatchingAttempts(CODE, "Hi", START, 0, 1)
NUMBER, SERVICE = (
    MatchingAttempts("+14155550199", "Hi", START, 0, 1),
    MatchingAttempts("MG1", "Hi", START, 0, 1),
)


@pytest.mark.parametrize(
    ("entries", "known", "asked", "verdict"),
    [
        pytest.param([], [], ASKED, Absent, id="nothing listed"),
        pytest.param([listed_message("A", "Hi")], [], ASKED, Found, id="listed"),
        pytest.param([listed_message("A", "Hi")], ["A"], ASKED, Absent, id="another's"),
        pytest.param(
            [listed_message("A", "Hi"), listed_message("B", "Hi")],
            ["A"],
            ASKED,
            Found,
            id="another's and ours",
        ),
        pytest.param(
            [listed_message("A", "Hi")],
            [],
            MatchingAttempts(CODE, "Hi", START, 0, 2),
            Unclear,
            id="one for two attempts",
        ),
        pytest.param(
            [listed_message("A", "Hi"), listed_message("B", "Hi")],
            [],
            MatchingAttempts(CODE, "Hi", START, 1, 2),
            Found,
            id="two for two",
        ),
        pytest.param([listed_message("A", "Yo")], [], ASKED, Unclear, id="unknown"),
        pytest.param(
            [listed_message("A", "Hi", created_at=AN_HOUR_OFF)],
            [],
            ASKED,
            Unclear,
            id="ours, if a clock is off",
        ),
        pytest.param(
            [listed_message("A", "Hi", created_at=AN_HOUR_OFF)],
            ["A"],
            ASKED,
            Absent,
            id="another's, an hour ago",
        ),
        pytest.param(
            [listed_message("A", "Yo", created_at=AN_HOUR_OFF)],
            [],
            ASKED,
            Absent,
            id="another body, an hour ago",
        ),
        pytest.param(
            [listed_message("A", "Hi", created_at=AN_HOUR_OFF), listed_message("B", "Hi")],
            [],
            ASKED,
            Found,
            id="ours, and the same body an hour ago",
        ),
        pytest.param(
            [listed_message("A", "Hi"), listed_message("B", "Yo")],
            [],
            ASKED,
            Found,
            id="ours, and an unknown one",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="+1 415-555-0199")],
            [],
            NUMBER,
            Found,
            id="a number, written otherwise",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender=None)],
            [],
            NUMBER,
            Unclear,
            id="from an unknown sender",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender=None)],
            [],
            SERVICE,
            Unclear,
            id="of a service, or not: it does not say",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="MG1")], [], SERVICE, Found, id="of our service"
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="MG2")], [], SERVICE, Unclear, id="of another service"
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="+14155550199")],
            [],
            SERVICE,
            Unclear,
            id="of a number, by no service",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="MG2")],
            ["A"],
            SERVICE,
            Absent,
            id="of another service, and known",
        ),
        pytest.param(
            [listed_message("A", "Hi", sender="MG1"), listed_message("B", "Hi", sender="MG2")],
            [],
            SERVICE,
            Found,
            id="of our service, and another's",
        ),
    ],
)
def test_what_a_list_proves(
    entries: list[ListedMessage], known: list[str], asked: MatchingAttempts, verdict: type
) -> None:
    assert isinstance(classify(entries, known, asked), verdict)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("\u201cSee you\u201d \u2013 9:00\u2026", '"See you" - 9:00...'),
        ("Pay at https://pay.example.com/a/1?x=2 today", "Pay at https://twil.io/Zx9 today"),
        (" two  blanks\n", "two blanks"),
        ("Hello", "Sent from your Twilio trial account - Hello"),
    ],
)
def test_a_rewritten_body_is_the_same(ours: str, theirs: str) -> None:
    assert normalize_body(ours) == normalize_body(theirs)


def test_other_bodies_differ() -> None:
    assert (
        len({normalize_body(text) for text in ("See you at 9", "See you at 10", "see you at 9")})
        == 3
    )


# --- then


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("consent_ask", "1 expired absent"),
        ("reminder", "1 expired absent"),
        ("marketing", "1 canceled absent"),
        ("help_answer", "1 canceled absent"),
        ("transactional", "1 in_doubt absent"),
        ("something new", "1 in_doubt absent"),
    ],
)
def test_an_absent_text_is_handled_by_kind(kind: str, end: str) -> None:
    harness = in_doubt(kind=kind)
    run_lookups(harness)
    assert last(harness) == end
    assert (len(harness.published_on(RETURNED)) == 1) == (policy_of(kind) is AbsentPolicy.RESEND)


@pytest.mark.parametrize("control", [stop(), cancel()])
def test_a_stopped_text_is_never_resent(control: object) -> None:
    harness = in_doubt()
    harness.feed(control)  # type: ignore[arg-type]
    harness.feed(resolve("resend"))
    run_lookups(harness)
    assert last(harness).startswith("1 canceled")
    assert harness.published_on(RETURNED) == []


def test_an_earlier_owners_call_waits_15_minutes() -> None:
    harness = processor()
    harness.feed(order())
    harness.crash()
    assert run_lookups(harness) == [1, 2]
    assert last(harness) == "1 deferred absent"
    harness.wait(880 - 120)
    assert harness.published_on(RETURNED) == []
    assert run_lookups(harness, listed_message("SM7")) == [3]
    assert last(harness) == "1 accepted", "the owner before had only slept"


def test_an_earlier_owners_absent_text_is_resent() -> None:
    harness = processor()
    harness.feed(order())
    harness.crash()
    run_lookups(harness)
    harness.wait(800)
    assert answer_lookups(harness) == [3]
    assert harness.now - START >= timedelta(minutes=15)
    assert last(harness) == "1 expired absent"


# --- a person's word


@pytest.mark.parametrize(
    ("action", "end"), [("resend", "1 expired resend"), ("drop", "1 given_up dropped")]
)
def test_a_person_decides(action: str, end: str) -> None:
    harness = in_doubt()
    harness.feed(resolve(action))
    assert last(harness) == end
    assert "m.ortiz" in (harness.published_on(ATTEMPTS)[-1].evidence or "")
    assert len(harness.published_on(RETURNED)) == (action == "resend")
    harness.wait(300)
    assert lookups(harness.calls) == [], "nobody asks any more"


def test_an_absent_dropped_text_was_never_sent() -> None:
    harness = in_doubt(kind="direct")
    run_lookups(harness)
    harness.feed(resolve("drop"))
    assert last(harness) == "1 canceled dropped"


@pytest.mark.parametrize("stray", [resolve("resend", attempt=2), resolve("drop", "nobody")])
def test_a_decision_on_another_attempt_does_nothing(stray: object) -> None:
    harness = in_doubt()
    assert harness.feed(stray).publish == ()  # type: ignore[arg-type]


def test_a_decision_on_a_settled_attempt_does_nothing() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.ACCEPTED, provider_id="SM1")
    assert harness.feed(resolve("resend")).publish == ()


def test_a_callback_after_the_return_forbids_a_resend() -> None:
    harness = in_doubt()
    harness.feed(resolve("resend"))
    harness.feed(late_receipt())
    harness.feed(order(issued_at=harness.now + timedelta(seconds=1)))
    assert last(harness) == "2 canceled sighted"
    assert calls_made(harness) == ["m1#1"]


def test_a_callback_of_the_first_try_cancels_the_second() -> None:
    harness = processor(pace=0.01)
    harness.feed(order(to=ANA))
    reply(harness, Result.IN_DOUBT)
    harness.feed(resolve("resend"))
    harness.feed(order("m2", to=BEN))
    harness.feed(order(to=ANA, issued_at=harness.now + timedelta(seconds=1)))
    assert last(harness) == "2 queued"
    harness.feed(late_receipt(attempt=1))
    assert last(harness) == "2 canceled sighted"
    harness.wait(600)
    assert calls_made(harness) == ["m1#1", "m2#1"]


def test_an_unsettled_attempt_is_given_up_after_72_hours() -> None:
    harness = in_doubt(kind="direct")
    harness.wait(73 * 3600)
    assert last(harness) == "1 given_up too_long"


def test_a_late_receipt_is_remembered_while_the_gate_holds() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.IN_DOUBT)
    for _ in range(2):
        harness.wait(80)
        answer_lookups(harness)
    assert states(harness)[-1] == "1 expired absent"
    harness.feed(late_receipt())
    harness.wait(7 * 24 * 3600)
    harness.feed(order(issued_at=harness.now, send_before=harness.now + timedelta(hours=1)))
    assert states(harness)[-1] == "2 canceled sighted"
    assert calls_made(harness) == ["m1#1"]
    harness.wait(40 * 24 * 3600)
    assert "msg/acme/m1" not in harness.state.raw
