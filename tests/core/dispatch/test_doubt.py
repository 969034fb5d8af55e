"""A text that may or may not have been taken: the provider's list, a person's word, the policy of its kind."""

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
    called,
    cancel,
    entry,
    lists,
    looks,
    order,
    processor,
    reply,
    resolve,
    sighting,
    states,
    stop,
)
from tests.core.drive import START, Drive


def in_doubt(**changed: object) -> Drive:
    drive = processor()
    drive.tell(order(**changed))
    reply(drive, Result.IN_DOUBT)
    return drive


def looked(drive: Drive, *entries: ListedMessage, gone: bool = False) -> list[int]:
    """Rounds, as long as there are any within two minutes."""
    rounds = list[int]()
    for _ in range(12):
        drive.rest(10)
        rounds += lists(drive, *entries, gone=gone)
    return rounds


def last(drive: Drive, message_id: str = "m1") -> str:
    return states(drive, message_id)[-1]


# --- when


def test_the_list_is_asked_for_after_twice_the_time_of_a_call_and_once_more_a_minute_later() -> (
    None
):
    drive = in_doubt()
    drive.rest(19.9)
    assert looks(drive.calls) == []
    drive.rest(0.2)
    (look,) = looks(drive.calls)
    assert (look.to, look.round) == (ANA, 1)
    assert (look.not_before, look.not_after) == (START - CLOCK_SPAN, START + CLOCK_SPAN)
    lists(drive)
    drive.rest(59)
    assert len(looks(drive.calls)) == 1
    drive.rest(2)
    assert [look.round for look in looks(drive.calls)] == [1, 2]


def test_a_list_that_cannot_be_had_proves_nothing_and_is_asked_for_again() -> None:
    drive = in_doubt()
    assert looked(drive, gone=True) == [1, 1]
    assert last(drive) == "1 in_doubt"
    drive.rest(600)
    assert lists(drive) == [1]
    assert looked(drive) == [2]
    assert last(drive) == "1 expired absent"


def test_the_next_owner_goes_on_looking() -> None:
    drive = in_doubt()
    drive.rest(20.1)
    drive.crash()
    drive.rest(1)
    lists(drive)
    drive.rest(30)
    drive.crash()
    drive.rest(31)
    assert lists(drive) == [2]
    assert last(drive) == "1 expired absent"


def test_no_more_than_eight_lists_at_a_time() -> None:
    drive = processor(pace=1000)
    for number in range(20):
        drive.tell(order(f"m{number}", to=f"+1415555{number:04}"))
    reply(drive, Result.IN_DOUBT)
    drive.rest(30)
    assert len(looks(drive.under_way)) == 8
    lists(drive)
    drive.rest(0.1)
    assert len(looks(drive.under_way)) == 8


# --- found, absent, unclear


def test_one_that_is_listed_was_taken() -> None:
    drive = in_doubt()
    assert looked(drive, entry("SM7")) == [1]
    assert last(drive) == "1 accepted"
    told = drive.all(ATTEMPTS)[-1]
    assert told.provider_id == "SM7"
    assert told.evidence is not None
    assert (
        "1 listed, 0 of them of other attempts, 1 with these words; its status is delivered"
        in told.evidence
    )
    drive.rest(80 * 3600)
    assert called(drive) == ["m1#1"]


def test_one_that_is_not_listed_goes_through_the_gate_again_after_the_second_look() -> None:
    drive = in_doubt()
    drive.rest(21)
    lists(drive)
    assert drive.all(RETURNED) == []
    assert looked(drive) == [2]
    assert last(drive) == "1 expired absent"
    (returned,) = drive.all(RETURNED)
    assert returned.reason == "the provider does not list it: 0 listed, 0 of them of other attempts"
    drive.tell(returned.order.model_copy(update={"issued_at": drive.now}))
    assert called(drive) == ["m1#1", "m1#2"]


def test_a_list_that_lags_is_believed_only_when_it_has_caught_up() -> None:
    drive = in_doubt()
    drive.rest(21)
    lists(drive)
    assert looked(drive, entry("SM7")) == [2]
    assert last(drive) == "1 accepted"


def test_what_belongs_to_other_attempts_proves_nothing_of_this_one() -> None:
    drive = processor()
    drive.tell(order("m0"))
    reply(drive, Result.ACCEPTED, provider_id="SM0")
    drive.tell(order())
    reply(drive, Result.IN_DOUBT)
    assert looked(drive, entry("SM0", "text m0")) == [1, 2]
    assert last(drive) == "1 expired absent"


def test_attribution_survives_a_new_owner_and_ends_after_72_hours() -> None:
    drive = processor()
    drive.tell(order("m0"))
    reply(drive, Result.ACCEPTED, provider_id="SM0")
    drive.crash()
    drive.tell(order())
    drive.rest(1)
    reply(drive, Result.IN_DOUBT)
    looked(drive, entry("SM0", "text m0"))
    assert last(drive) == "1 expired absent"
    drive.rest(80 * 3600)
    assert [name for name in drive.state.raw if name.startswith("msg/")] == []


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(entry("SM9", "something else"), id="other words"),
        pytest.param(entry("SM9", sender="+14155559999"), id="our words from another sender"),
    ],
)
def test_an_entry_that_nobody_knows_leaves_it_in_doubt(strange: ListedMessage) -> None:
    drive = in_doubt()
    assert looked(drive, strange) == [1, 2]
    assert last(drive) == "1 in_doubt unclear"
    assert drive.all(RETURNED) == []
    drive.rest(3600)
    assert lists(drive, strange) == [3], "a last time"
    drive.rest(3600)
    assert looks(drive.under_way) == []
    assert called(drive) == ["m1#1"]


def test_what_was_unclear_is_cleared_up_by_what_is_learnt_of_others() -> None:
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body="Same words", kind="reminder"))
    reply(drive, Result.IN_DOUBT)
    assert looked(drive, entry("SM1", "Same words")) == [1, 1, 2, 2]
    assert (last(drive), last(drive, "m2")) == ("1 in_doubt unclear", "1 in_doubt unclear")
    drive.tell(sighting("m1"))
    drive.rest(900)
    lists(drive, entry("SM1", "Same words"))
    assert (last(drive), last(drive, "m2")) == ("1 accepted", "1 expired absent")


def test_two_of_the_same_words_are_told_apart_by_number() -> None:
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body="Same words"))
    reply(drive, Result.IN_DOUBT)
    both = (
        entry("SM1", "Same words"),
        entry("SM2", "Same words", created_at=START + timedelta(seconds=1)),
    )
    looked(drive, *both)
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
        pytest.param([entry("A", "Hi")], [], ASKED, Found, id="listed"),
        pytest.param([entry("A", "Hi")], ["A"], ASKED, Absent, id="another's"),
        pytest.param(
            [entry("A", "Hi"), entry("B", "Hi")], ["A"], ASKED, Found, id="another's and ours"
        ),
        pytest.param(
            [entry("A", "Hi")],
            [],
            MatchingAttempts(CODE, "Hi", START, 0, 2),
            Unclear,
            id="one for two attempts",
        ),
        pytest.param(
            [entry("A", "Hi"), entry("B", "Hi")],
            [],
            MatchingAttempts(CODE, "Hi", START, 1, 2),
            Found,
            id="two for two",
        ),
        pytest.param([entry("A", "Yo")], [], ASKED, Unclear, id="nobody's"),
        pytest.param(
            [entry("A", "Hi", created_at=AN_HOUR_OFF)],
            [],
            ASKED,
            Unclear,
            id="ours, if a clock is off",
        ),
        pytest.param(
            [entry("A", "Hi", created_at=AN_HOUR_OFF)],
            ["A"],
            ASKED,
            Absent,
            id="another's, an hour ago",
        ),
        pytest.param(
            [entry("A", "Yo", created_at=AN_HOUR_OFF)],
            [],
            ASKED,
            Absent,
            id="other words, an hour ago",
        ),
        pytest.param(
            [entry("A", "Hi", created_at=AN_HOUR_OFF), entry("B", "Hi")],
            [],
            ASKED,
            Found,
            id="ours, and the same words an hour ago",
        ),
        pytest.param(
            [entry("A", "Hi"), entry("B", "Yo")], [], ASKED, Found, id="ours, and nobody's"
        ),
        pytest.param(
            [entry("A", "Hi", sender="+1 415-555-0199")],
            [],
            NUMBER,
            Found,
            id="a number, written otherwise",
        ),
        pytest.param(
            [entry("A", "Hi", sender=None)], [], NUMBER, Unclear, id="from nobody knows where"
        ),
        pytest.param(
            [entry("A", "Hi", sender=None)],
            [],
            SERVICE,
            Unclear,
            id="of a service, or not: it does not say",
        ),
        pytest.param([entry("A", "Hi", sender="MG1")], [], SERVICE, Found, id="of our service"),
        pytest.param(
            [entry("A", "Hi", sender="MG2")], [], SERVICE, Unclear, id="of another service"
        ),
        pytest.param(
            [entry("A", "Hi", sender="+14155550199")],
            [],
            SERVICE,
            Unclear,
            id="of a number, by no service",
        ),
        pytest.param(
            [entry("A", "Hi", sender="MG2")],
            ["A"],
            SERVICE,
            Absent,
            id="of another service, and known",
        ),
        pytest.param(
            [entry("A", "Hi", sender="MG1"), entry("B", "Hi", sender="MG2")],
            [],
            SERVICE,
            Found,
            id="of our service, and another's",
        ),
    ],
)
def test_what_a_list_says(
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
def test_words_that_the_provider_has_rewritten_are_the_same(ours: str, theirs: str) -> None:
    assert normalize_body(ours) == normalize_body(theirs)


def test_other_words_are_others() -> None:
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
def test_what_becomes_of_one_that_is_absent_is_a_matter_of_its_kind(kind: str, end: str) -> None:
    drive = in_doubt(kind=kind)
    looked(drive)
    assert last(drive) == end
    assert (len(drive.all(RETURNED)) == 1) == (policy_of(kind) is AbsentPolicy.RESEND)


@pytest.mark.parametrize("control", [stop(), cancel()])
def test_what_was_stopped_is_never_sent_again(control: object) -> None:
    drive = in_doubt()
    drive.tell(control)  # type: ignore[arg-type]
    drive.tell(resolve("resend"))
    looked(drive)
    assert last(drive).startswith("1 canceled")
    assert drive.all(RETURNED) == []


def test_an_earlier_owners_is_not_sent_again_for_a_quarter_of_an_hour_and_then_looked_for_once_more() -> (
    None
):
    drive = processor()
    drive.tell(order())
    drive.crash()
    assert looked(drive) == [1, 2]
    assert last(drive) == "1 deferred absent"
    drive.rest(880 - 120)
    assert drive.all(RETURNED) == []
    assert looked(drive, entry("SM7")) == [3]
    assert last(drive) == "1 accepted", "the owner before had only slept"


def test_an_earlier_owners_goes_again_when_it_is_absent_still() -> None:
    drive = processor()
    drive.tell(order())
    drive.crash()
    looked(drive)
    drive.rest(800)
    assert lists(drive) == [3]
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
    assert looks(drive.calls) == [], "nobody asks any more"


def test_one_that_is_proven_absent_and_dropped_was_never_sent() -> None:
    drive = in_doubt(kind="direct")
    looked(drive)
    drive.tell(resolve("drop"))
    assert last(drive) == "1 canceled dropped"


@pytest.mark.parametrize("stray", [resolve("resend", attempt=2), resolve("drop", "nobody")])
def test_a_word_on_another_attempt_changes_nothing(stray: object) -> None:
    drive = in_doubt()
    assert drive.tell(stray).publish == ()  # type: ignore[arg-type]


def test_a_word_on_what_is_not_in_doubt_changes_nothing() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.ACCEPTED, provider_id="SM1")
    assert drive.tell(resolve("resend")).publish == ()


def test_a_callback_after_it_was_handed_back_keeps_it_from_going_again() -> None:
    drive = in_doubt()
    drive.tell(resolve("resend"))
    drive.tell(sighting())
    drive.tell(order(issued_at=drive.now + timedelta(seconds=1)))
    assert last(drive) == "2 canceled sighted"
    assert called(drive) == ["m1#1"]


def test_a_callback_of_the_first_try_takes_the_second_back() -> None:
    drive = processor(pace=0.01)
    drive.tell(order(to=ANA))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("resend"))
    drive.tell(order("m2", to=BEN))
    drive.tell(order(to=ANA, issued_at=drive.now + timedelta(seconds=1)))
    assert last(drive) == "2 queued"
    drive.tell(sighting(attempt=1))
    assert last(drive) == "2 canceled sighted"
    drive.rest(600)
    assert called(drive) == ["m1#1", "m2#1"]


def test_what_nobody_clears_up_is_given_up_after_72_hours() -> None:
    drive = in_doubt(kind="direct")
    drive.rest(73 * 3600)
    assert last(drive) == "1 given_up too_long"


def test_what_was_seen_to_get_through_is_not_sent_again_however_long_it_waits_at_the_gate() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.IN_DOUBT)
    for _ in range(2):
        drive.rest(80)
        lists(drive)
    assert states(drive)[-1] == "1 expired absent"
    drive.tell(sighting())
    drive.rest(7 * 24 * 3600)
    drive.tell(order(issued_at=drive.now, send_before=drive.now + timedelta(hours=1)))
    assert states(drive)[-1] == "2 canceled sighted"
    assert called(drive) == ["m1#1"]
    drive.rest(40 * 24 * 3600)
    assert "msg/acme/m1" not in drive.state.raw
