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
from tests.core.harness import START, ProcessorHarness

WORDS = "Same words"
ONE = listed_message("SM1", WORDS)
TWO = listed_message("SM2", WORDS, created_at=START + timedelta(seconds=1))


def twins(kind: str = "reminder", seconds: float = 0.0) -> ProcessorHarness:
    """m1 and m2, both in doubt."""
    harness = processor()
    for name in ("m1", "m2"):
        harness.feed(order(name, body=WORDS, kind=kind))
        reply(harness, Result.IN_DOUBT)
        harness.wait(seconds)
    return harness


def test_a_listed_message_of_a_dropped_text_is_not_anothers() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    run_lookups(harness, ONE)
    assert last(harness, "m2") == "1 in_doubt unclear"


def test_the_next_owner_remembers_the_dropped_text() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    harness.crash()
    run_lookups(harness, ONE)
    assert last(harness, "m2") == "1 in_doubt unclear"


def test_with_two_listed_messages_both_were_taken() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    run_lookups(harness, ONE, TWO)
    told = {
        one.message_id: one.provider_id
        for one in harness.published_on(ATTEMPTS)
        if one.state == "accepted"
    }
    assert told == {"m2": "SM2"}, "the first entry is the first call's"


def test_with_none_listed_neither_was_taken() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    run_lookups(harness)
    assert last(harness, "m2") == "1 expired absent"


def test_a_callback_names_the_dropped_text() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    harness.feed(late_receipt("m1"))
    run_lookups(harness, ONE)
    assert (last(harness, "m1"), last(harness, "m2")) == ("1 given_up dropped", "1 expired absent")


def test_a_callback_names_the_returned_text() -> None:
    harness = twins()
    harness.feed(resolve("resend", "m1"))
    harness.feed(late_receipt("m1"))
    run_lookups(harness, ONE)
    assert last(harness, "m2") == "1 expired absent"


def test_an_absent_dropped_text_matches_nothing() -> None:
    harness = twins("direct", seconds=65)
    run_lookups(harness)
    harness.feed(resolve("drop", "m1"))
    assert (last(harness, "m1"), last(harness, "m2")) == ("1 canceled dropped", "1 in_doubt absent")
    harness.feed(order("m3", body=WORDS))
    reply(harness, Result.IN_DOUBT)
    run_lookups(harness, listed_message("SM3", WORDS, created_at=harness.now))
    assert last(harness, "m3") == "1 accepted"


def test_a_resent_text_counts_as_two_attempts() -> None:
    harness = twins()
    harness.feed(resolve("resend", "m1"))
    harness.feed(
        harness.published_on(RETURNED)[0].order.model_copy(
            update={"issued_at": harness.now + timedelta(seconds=1)}
        )
    )
    assert calls_made(harness) == ["m1#1", "m2#1", "m1#2"]
    reply(harness, Result.IN_DOUBT)
    run_lookups(harness, ONE, TWO)
    assert (last(harness, "m1"), last(harness, "m2")) == (
        "2 in_doubt unclear",
        "1 in_doubt unclear",
    ), "two of three"


def test_a_callback_of_the_first_try_settles_the_second() -> None:
    harness = processor()
    harness.feed(order(body=WORDS))
    reply(harness, Result.IN_DOUBT)
    harness.feed(resolve("resend"))
    harness.feed(order(body=WORDS, issued_at=START + timedelta(seconds=1)))
    reply(harness, Result.IN_DOUBT)
    harness.feed(late_receipt(attempt=1))
    run_lookups(harness, ONE)
    assert last(harness) == "2 canceled sighted", "the second was not taken, and does not go again"


def test_a_text_dropped_long_ago_does_not_count() -> None:
    harness = processor()
    harness.feed(order(body=WORDS))
    reply(harness, Result.IN_DOUBT)
    harness.feed(resolve("drop"))
    harness.wait(660)
    harness.feed(order("m2", body=WORDS))
    reply(harness, Result.IN_DOUBT)
    run_lookups(harness, listed_message("SM2", WORDS, created_at=harness.now))
    assert last(harness, "m2") == "1 accepted"


def test_an_absent_stopped_text_matches_nothing() -> None:
    harness = processor()
    harness.feed(order(body=WORDS))
    reply(harness, Result.IN_DOUBT)
    harness.feed(stop())
    run_lookups(harness)
    assert last(harness) == "1 canceled stopped"
    harness.feed(order("m2", body=WORDS, consent_epoch=2))
    reply(harness, Result.IN_DOUBT)
    run_lookups(harness, listed_message("SM2", WORDS, created_at=harness.now))
    assert last(harness, "m2") == "1 accepted"


def test_abandoned_attempts_are_forgotten_after_72_hours() -> None:
    harness = twins()
    harness.feed(resolve("drop", "m1"))
    harness.feed(resolve("drop", "m2"))
    harness.wait(80 * 3600)
    assert [name for name in harness.state.raw if name.startswith(("msg/", "lost/"))] == []
