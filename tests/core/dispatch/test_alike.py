"""Two texts of the same words to one number: whose entry is it that the provider lists?"""

from __future__ import annotations

from datetime import timedelta

from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.provider_calls import Result
from tests.core.dispatch.test_doubt import last, looked
from tests.core.dispatch.texts import (
    called,
    entry,
    order,
    processor,
    reply,
    resolve,
    sighting,
    stop,
)
from tests.core.drive import START, Drive

WORDS = "Same words"
ONE = entry("SM1", WORDS)
TWO = entry("SM2", WORDS, created_at=START + timedelta(seconds=1))


def twins(kind: str = "reminder", seconds: float = 0.0) -> Drive:
    """m1 and m2, both in doubt."""
    drive = processor()
    for name in ("m1", "m2"):
        drive.tell(order(name, body=WORDS, kind=kind))
        reply(drive, Result.IN_DOUBT)
        drive.rest(seconds)
    return drive


def test_the_entry_of_one_that_was_dropped_is_not_given_to_the_other() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    looked(drive, ONE)
    assert last(drive, "m2") == "1 in_doubt unclear"


def test_nor_is_it_by_the_next_owner() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.crash()
    looked(drive, ONE)
    assert last(drive, "m2") == "1 in_doubt unclear"


def test_with_an_entry_for_each_the_other_was_taken() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    looked(drive, ONE, TWO)
    told = {
        one.message_id: one.provider_id for one in drive.all(ATTEMPTS) if one.state == "accepted"
    }
    assert told == {"m2": "SM2"}, "the first entry is the first call's"


def test_where_none_is_listed_the_other_was_not_taken() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    looked(drive)
    assert last(drive, "m2") == "1 expired absent"


def test_a_callback_tells_whose_entry_it_is_though_that_one_was_dropped() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.tell(sighting("m1"))
    looked(drive, ONE)
    assert (last(drive, "m1"), last(drive, "m2")) == ("1 given_up dropped", "1 expired absent")


def test_and_though_it_was_handed_back() -> None:
    drive = twins()
    drive.tell(resolve("resend", "m1"))
    drive.tell(sighting("m1"))
    looked(drive, ONE)
    assert last(drive, "m2") == "1 expired absent"


def test_one_that_was_proven_absent_and_dropped_takes_no_entry() -> None:
    drive = twins("direct", seconds=65)
    looked(drive)
    drive.tell(resolve("drop", "m1"))
    assert (last(drive, "m1"), last(drive, "m2")) == ("1 canceled dropped", "1 in_doubt absent")
    drive.tell(order("m3", body=WORDS))
    reply(drive, Result.IN_DOUBT)
    looked(drive, entry("SM3", WORDS, created_at=drive.now))
    assert last(drive, "m3") == "1 accepted"


def test_one_sent_again_at_somebodys_word_may_have_been_taken_the_first_time() -> None:
    drive = twins()
    drive.tell(resolve("resend", "m1"))
    drive.tell(
        drive.all(RETURNED)[0].order.model_copy(
            update={"issued_at": drive.now + timedelta(seconds=1)}
        )
    )
    assert called(drive) == ["m1#1", "m2#1", "m1#2"]
    reply(drive, Result.IN_DOUBT)
    looked(drive, ONE, TWO)
    assert (last(drive, "m1"), last(drive, "m2")) == ("2 in_doubt unclear", "1 in_doubt unclear"), (
        "two of three"
    )


def test_a_callback_of_the_first_try_takes_its_entry_from_the_second() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("resend"))
    drive.tell(order(body=WORDS, issued_at=START + timedelta(seconds=1)))
    reply(drive, Result.IN_DOUBT)
    drive.tell(sighting(attempt=1))
    looked(drive, ONE)
    assert last(drive) == "2 canceled sighted", "the second was not taken, and does not go again"


def test_what_was_dropped_long_before_counts_no_more() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(resolve("drop"))
    drive.rest(660)
    drive.tell(order("m2", body=WORDS))
    reply(drive, Result.IN_DOUBT)
    looked(drive, entry("SM2", WORDS, created_at=drive.now))
    assert last(drive, "m2") == "1 accepted"


def test_one_that_was_stopped_and_not_listed_takes_no_entry() -> None:
    drive = processor()
    drive.tell(order(body=WORDS))
    reply(drive, Result.IN_DOUBT)
    drive.tell(stop())
    looked(drive)
    assert last(drive) == "1 canceled stopped"
    drive.tell(order("m2", body=WORDS, consent_epoch=2))
    reply(drive, Result.IN_DOUBT)
    looked(drive, entry("SM2", WORDS, created_at=drive.now))
    assert last(drive, "m2") == "1 accepted"


def test_it_is_forgotten_after_72_hours() -> None:
    drive = twins()
    drive.tell(resolve("drop", "m1"))
    drive.tell(resolve("drop", "m2"))
    drive.rest(80 * 3600)
    assert [name for name in drive.state.raw if name.startswith(("msg/", "lost/"))] == []
