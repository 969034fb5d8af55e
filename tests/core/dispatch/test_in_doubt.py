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
from tests.core.drive import START, Drive


def in_doubt(**changed: object) -> Drive:
    drive = processor()
    drive.tell(order(**changed))
    reply(drive, Result.IN_DOUBT)
    return drive


# --- when


def test_when_the_list_is_looked_up() -> None:
    drive = in_doubt()
    drive.rest(19.9)
    assert lookups(drive.calls) == []
    drive.rest(0.2)
    (look,) = lookups(drive.calls)
    assert (look.to, look.round) == (ANA, 1)
    assert (look.not_before, look.not_after) == (START - CLOCK_SPAN, START + CLOCK_SPAN)
    answer_lookups(drive)
    drive.rest(59)
    assert len(lookups(drive.calls)) == 1
    drive.rest(2)
    assert [look.round for look in lookups(drive.calls)] == [1, 2]


def test_a_missing_list_is_looked_up_again() -> None:
    drive = in_doubt()
    assert run_lookups(drive, gone=True) == [1, 1]
    assert last(drive) == "1 in_doubt"
    drive.rest(600)
    assert answer_lookups(drive) == [1]
    assert run_lookups(drive) == [2]
    assert last(drive) == "1 expired absent"


def test_the_next_owner_goes_on_with_lookups() -> None:
    drive = in_doubt()
    drive.rest(20.1)
    drive.crash()
    drive.rest(1)
    answer_lookups(drive)
    drive.rest(30)
    drive.crash()
    drive.rest(31)
    assert answer_lookups(drive) == [2]
    assert last(drive) == "1 expired absent"


def test_at_most_eight_lookups_at_a_time() -> None:
    drive = processor(pace=1000)
    for number in range(20):
        drive.tell(order(f"m{number}", to=f"+1415555{number:04}"))
    reply(drive, Result.IN_DOUBT)
    drive.rest(30)
    assert len(lookups(drive.under_way)) == 8
    answer_lookups(drive)
    drive.rest(0.1)
    assert len(lookups(drive.under_way)) == 8


# --- found, absent, unclear


def test_a_listed_text_was_taken() -> None:
    drive = in_doubt()
    assert run_lookups(drive, listed_message("SM7")) == [1]
    assert last(drive) == "1 accepted"
    told = drive.all(ATTEMPTS)[-1]
    assert told.provider_id == "SM7"
    assert told.evidence is not None
    assert (
        "1 listed, 0 of other attempts, 1 with this body; its status is delivered" in told.evidence
    )
    drive.rest(80 * 3600)
    assert calls_made(drive) == ["m1#1"]


def test_an_absent_text_returns_after_the_second_lookup() -> None:
    drive = in_doubt()
    drive.rest(21)
    answer_lookups(drive)
    assert drive.all(RETURNED) == []
    assert run_lookups(drive) == [2]
    assert last(drive) == "1 expired absent"
    (returned,) = drive.all(RETURNED)
    assert returned.reason == "the provider does not list it: 0 listed, 0 of other attempts"
    drive.tell(returned.order.model_copy(update={"issued_at": drive.now}))
    assert calls_made(drive) == ["m1#1", "m1#2"]


def test_a_list_that_lags_does_not_prove_absence() -> None:
    drive = in_doubt()
    drive.rest(21)
    answer_lookups(drive)
    assert run_lookups(drive, listed_message("SM7")) == [2]
    assert last(drive) == "1 accepted"


def test_messages_of_other_attempts_prove_nothing() -> None:
    drive = processor()
    drive.tell(order("m0"))
    reply(drive, Result.ACCEPTED, provider_id="SM0")
    drive.tell(order())
    reply(drive, Result.IN_DOUBT)
    assert run_lookups(drive, listed_message("SM0", "text m0")) == [1, 2]
    assert last(drive) == "1 expired absent"


def test_accepted_ids_are_remembered_for_72_hours() -> None:
    drive = processor()
    drive.tell(order("m0"))
    reply(drive, Result.ACCEPTED, provider_id="SM0")
    drive.crash()
    drive.tell(order())
    drive.rest(1)
    reply(drive, Result.IN_DOUBT)
    run_lookups(drive, listed_message("SM0", "text m0"))
    assert last(drive) == "1 expired absent"
    drive.rest(80 * 3600)
    assert [name for name in drive.state.raw if name.startswith("msg/")] == []


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
    drive = in_doubt()
    assert run_lookups(drive, strange) == [1, 2]
    assert last(drive) == "1 in_doubt unclear"
    assert drive.all(RETURNED) == []
    drive.rest(3600)
    assert answer_lookups(drive, strange) == [3], "a last time"
    drive.rest(3600)
    assert lookups(drive.under_way) == []
    assert calls_made(drive) == ["m1#1"]


def test_news_of_others_settles_an_unclear_attempt() -> None:
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body="Same words", kind="reminder"))
    reply(drive, Result.IN_DOUBT)
    assert run_lookups(drive, listed_message("SM1", "Same words")) == [1, 1, 2, 2]
    assert (last(drive), last(drive, "m2")) == ("1 in_doubt unclear", "1 in_doubt unclear")
    drive.tell(late_receipt("m1"))
    drive.rest(900)
    answer_lookups(drive, listed_message("SM1", "Same words"))
    assert (last(drive), last(drive, "m2")) == ("1 accepted", "1 expired absent")


def test_two_texts_with_one_body_are_counted() -> None:
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body="Same words"))
    reply(drive, Result.IN_DOUBT)
    both = (
        listed_message("SM1", "Same words"),
        listed_message("SM2", "Same words", created_at=START + timedelta(seconds=1)),
    )
    run_lookups(drive, *both)
    found = {
        one.message_id: one.provider_id for one in drive.all(ATTEMPTS) if one.state == "accepted"
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
    drive = in_doubt(kind=kind)
    run_lookups(drive)
    assert last(drive) == end
    assert (len(drive.all(RETURNED)) == 1) == (policy_of(kind) is AbsentPolicy.RESEND)


@pytest.mark.parametrize("control", [stop(), cancel()])
def test_a_stopped_text_is_never_resent(control: object) -> None:
    drive = in_doubt()
    drive.tell(control)  # type: ignore[arg-type]
    drive.tell(resolve("resend"))
    run_lookups(drive)
    assert last(drive).startswith("1 canceled")
    assert drive.all(RETURNED) == []


def test_an_earlier_owners_call_waits_15_minutes() -> None:
    drive = processor()
    drive.tell(order())
    drive.crash()
    assert run_lookups(drive) == [1, 2]
    assert last(drive) == "1 deferred absent"
    drive.rest(880 - 120)
    assert drive.all(RETURNED) == []
    assert run_lookups(drive, listed_message("SM7")) == [3]
    assert last(drive) == "1 accepted", "the owner before had only slept"


def test_an_earlier_owners_absent_text_is_resent() -> None:
    drive = processor()
    drive.tell(order())
    drive.crash()
    run_lookups(drive)
    drive.rest(800)
    assert answer_lookups(drive) == [3]
    assert drive.now - START >= timedelta(minutes=15)
    assert last(drive) == "1 expired absent"


# --- a person's word


@pytest.mark.parametrize(
    ("action", "end"), [("resend", "1 expired resend"), ("drop", "1 given_up dropped")]
)
def test_a_person_decides(action: str, end: str) -> None:
    drive = in_doubt()
    drive.tell(resolve(action))
    assert last(drive) == end
    assert "m.ortiz" in (drive.all(ATTEMPTS)[-1].evidence or "")
    assert len(drive.all(RETURNED)) == (action == "resend")
    drive.rest(300)
    assert lookups(drive.calls) == [], "nobody asks any more"


def test_an_absent_dropped_text_was_never_sent() -> None:
    drive = in_doubt(kind="direct")
    run_lookups(drive)
    drive.tell(resolve("drop"))
    assert last(drive) == "1 canceled dropped"


@pytest.mark.parametrize("stray", [resolve("resend", attempt=2), resolve("drop", "nobody")])
def test_a_decision_on_another_attempt_does_nothing(stray: object) -> None:
    drive = in_doubt()
    assert drive.tell(stray).publish == ()  # type: ignore[arg-type]


def test_a_decision_on_a_settled_attempt_does_nothing() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.ACCEPTED, provider_id="SM1")
    assert drive.tell(resolve("resend")).publish == ()


def test_a_callback_after_the_return_forbids_a_resend() -> None:
    drive = in_doubt()
    drive.tell(resolve("resend"))
    drive.tell(late_receipt())
    drive.tell(order(issued_at=drive.now + timedelta(seconds=1)))
    assert last(drive) == "2 canceled sighted"
    assert calls_made(drive) == ["m1#1"]


def test_a_callback_of_the_first_try_cancels_the_second() -> None:
    drive = processor(pace=0.01)
    drive.tell(order(to=ANA))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("resend"))
    drive.tell(order("m2", to=BEN))
    drive.tell(order(to=ANA, issued_at=drive.now + timedelta(seconds=1)))
    assert last(drive) == "2 queued"
    drive.tell(late_receipt(attempt=1))
    assert last(drive) == "2 canceled sighted"
    drive.rest(600)
    assert calls_made(drive) == ["m1#1", "m2#1"]


def test_an_unsettled_attempt_is_given_up_after_72_hours() -> None:
    drive = in_doubt(kind="direct")
    drive.rest(73 * 3600)
    assert last(drive) == "1 given_up too_long"


def test_a_late_receipt_is_remembered_while_the_gate_holds() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.IN_DOUBT)
    for _ in range(2):
        drive.rest(80)
        answer_lookups(drive)
    assert states(drive)[-1] == "1 expired absent"
    drive.tell(late_receipt())
    drive.rest(7 * 24 * 3600)
    drive.tell(order(issued_at=drive.now, send_before=drive.now + timedelta(hours=1)))
    assert states(drive)[-1] == "2 canceled sighted"
    assert calls_made(drive) == ["m1#1"]
    drive.rest(40 * 24 * 3600)
    assert "msg/acme/m1" not in drive.state.raw
