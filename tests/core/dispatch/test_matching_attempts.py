"""Two texts with one body to one number: to which does a listed message belong?"""

from __future__ import annotations

from datetime import timedelta

from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.provider_calls import Result
from tests.core.dispatch.texts import (
    calls_made,
    last,
    late_receipt,
    listed_message,
    order,
    processor,
    reply,
    resolve,
    run_lookups,
    stop,
)
from tests.core.drive import START, Drive

WORDS = "Same words"
ONE = listed_message("SM1", WORDS)
TWO = listed_message("SM2", WORDS, created_at=START + timedelta(seconds=1))


def twins(kind: str = "reminder", seconds: float = 0.0) -> Drive:
    """m1 and m2, both in doubt."""
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body=WORDS, kind=kind))
        reply(drive, Result.IN_DOUBT)
        drive.rest(seconds)
    return drive


def test_a_listed_message_of_a_dropped_text_is_not_anothers() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    run_lookups(drive, ONE)
    assert last(drive, "m2") == "1 in_doubt unclear"


def test_the_next_owner_remembers_the_dropped_text() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.crash()
    run_lookups(drive, ONE)
    assert last(drive, "m2") == "1 in_doubt unclear"


def test_with_two_listed_messages_both_were_taken() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    run_lookups(drive, ONE, TWO)
    told = {
        one.message_id: one.provider_id for one in drive.all(ATTEMPTS) if one.state == "accepted"
    }
    assert told == {"m2": "SM2"}, "the first entry is the first call's"


def test_with_none_listed_neither_was_taken() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    run_lookups(drive)
    assert last(drive, "m2") == "1 expired absent"


def test_a_callback_names_the_dropped_text() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.tell(late_receipt("m1"))
    run_lookups(drive, ONE)
    assert (last(drive, "m1"), last(drive, "m2")) == ("1 given_up dropped", "1 expired absent")


def test_a_callback_names_the_returned_text() -> None:
    drive = twins()
    drive.tell(resolve("resend", "m1"))
    drive.tell(late_receipt("m1"))
    run_lookups(drive, ONE)
    assert last(drive, "m2") == "1 expired absent"


def test_an_absent_dropped_text_matches_nothing() -> None:
    drive = twins("direct", seconds=65)
    run_lookups(drive)
    drive.tell(resolve("drop", "m1"))
    assert (last(drive, "m1"), last(drive, "m2")) == ("1 canceled dropped", "1 in_doubt absent")
    drive.tell(order("m3", body=WORDS))
    reply(drive, Result.IN_DOUBT)
    run_lookups(drive, listed_message("SM3", WORDS, created_at=drive.now))
    assert last(drive, "m3") == "1 accepted"


def test_a_resent_text_counts_as_two_attempts() -> None:
    drive = twins()
    drive.tell(resolve("resend", "m1"))
    drive.tell(
        drive.all(RETURNED)[0].order.model_copy(
            update={"issued_at": drive.now + timedelta(seconds=1)}
        )
    )
    assert calls_made(drive) == ["m1#1", "m2#1", "m1#2"]
    reply(drive, Result.IN_DOUBT)
    run_lookups(drive, ONE, TWO)
    assert (last(drive, "m1"), last(drive, "m2")) == ("2 in_doubt unclear", "1 in_doubt unclear"), (
        "two of three"
    )


def test_a_callback_of_the_first_try_settles_the_second() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("resend"))
    drive.tell(order(body=WORDS, issued_at=START + timedelta(seconds=1)))
    reply(drive, Result.IN_DOUBT)
    drive.tell(late_receipt(attempt=1))
    run_lookups(drive, ONE)
    assert last(drive) == "2 canceled sighted", "the second was not taken, and does not go again"


def test_a_text_dropped_long_ago_does_not_count() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("drop"))
    drive.rest(660)
    drive.tell(order("m2", body=WORDS))
    reply(drive, Result.IN_DOUBT)
    run_lookups(drive, listed_message("SM2", WORDS, created_at=drive.now))
    assert last(drive, "m2") == "1 accepted"


def test_an_absent_stopped_text_matches_nothing() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(stop())
    run_lookups(drive)
    assert last(drive) == "1 canceled stopped"
    drive.tell(order("m2", body=WORDS, consent_epoch=2))
    reply(drive, Result.IN_DOUBT)
    run_lookups(drive, listed_message("SM2", WORDS, created_at=drive.now))
    assert last(drive, "m2") == "1 accepted"


def test_abandoned_attempts_are_forgotten_after_72_hours() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.tell(resolve("drop", "m2"))
    drive.rest(80 * 3600)
    assert [name for name in drive.state.raw if name.startswith(("msg/", "lost/"))] == []
