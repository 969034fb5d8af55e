"""Waiting for an answer: it begins with a text that wants a person, and ends with an answer."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.topics import CASE_REPLIES, THREADS
from tests.core.threads.conversations import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    assigned,
    awaited,
    end_of,
    handled,
    last_thread,
    message,
    moved,
    needs_none,
    note,
    party,
    reply,
    run_all,
    thread_processor,
)


@pytest.mark.parametrize(
    ("body", "changes", "use"),
    [
        ("What time is it?", {}, "waits"),
        ("STOP", {}, "keyword"),
        ("stop texting me please", {}, "keyword"),
        ("START", {}, "keyword"),
        ("HELP", {}, "keyword"),
        ("Yes", {"after_request": True}, "keyword"),
        ("ok", {"after_request": True}, "keyword"),
        ("no", {"after_request": True}, "waits"),
        ("Yes", {}, "waits"),
        ("ok", {}, "waits"),
        ("Liked “Court is on Tuesday”", {}, "reaction"),
        ("👍 to “Court is on Tuesday”", {}, "reaction"),
        ("Disliked “Court is on Tuesday”", {}, "waits"),
        ("🛑", {}, "waits"),
        ("", {"media": ["https://media.example/1"]}, "waits"),
        ("", {"carrier_keyword": "stop"}, "keyword"),
    ],
)
def test_what_an_inbound_text_is(body: str, changes: dict[str, Any], use: str) -> None:
    thread = end_of(reply(body, **changes))
    assert thread.last_inbound is not None
    assert thread.last_inbound.use == use
    assert thread.waiting_texts == (use == "waits")
    assert thread.waiting_since == (NOON if use == "waits" else None)


def test_words_of_the_tenant_are_keywords() -> None:
    thread = last_thread(run_all(reply("basta"), keywords={"stop": ["basta"]}))
    assert thread.last_inbound is not None
    assert thread.last_inbound.use == "keyword"


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (handled(), False),
        (needs_none(), False),
        (handled(NOON - HOUR), True),
        (message("m", at=NOON + HOUR, written_by="dana"), False),
        (message("m", "queued", NOON + HOUR, written_by="dana"), False),
        (message("m", "unknown", NOON + HOUR, written_by="dana"), False),
        (message("m", "held", NOON + HOUR, written_by="dana"), True),
        (message("m", "canceled", NOON + HOUR, written_by="dana"), True),
        (message("m", "undelivered", NOON + HOUR, written_by="dana"), True),
        (message("m", at=NOON - HOUR, written_by="dana"), True),
        (message("m", at=NOON + HOUR, requested_at=NOON - MINUTE, written_by="dana"), True),
        (message("m", at=NOON + HOUR, case_id="a"), True),
        (note(), True),
        (assigned("sam"), True),
        (moved("SM1", "a"), True),
        (reply("Liked “Court is on Tuesday”", "SM2", NOON + HOUR), True),
        (reply("HELP", "SM2", NOON + HOUR), True),
        (reply("STOP", "SM2", NOON + HOUR), True),
    ],
)
def test_only_an_answer_ends_it(answer: Any, waits: bool) -> None:
    """Row 21 too: who opens a thread or labels it publishes nothing, and a note changes nothing."""
    known = [party("a"), reply("What time?")]
    thread = end_of(*known, answer)
    assert thread.waiting_since == (NOON if waits else None)


def test_one_that_comes_later_still_waits() -> None:
    texts = [reply("One"), reply("Two", "SM2", NOON + MINUTE), reply("Three", "SM3", NOON + HOUR)]
    thread = end_of(*texts, needs_none(NOON + 2 * HOUR, "SM2"))
    assert (thread.waiting_since, thread.waiting_texts) == (NOON + HOUR, 1)
    assert end_of(*texts, needs_none(NOON + 2 * HOUR)).waiting_texts == 0


def test_what_staff_say_of_a_text_that_has_not_come_waits_for_it() -> None:
    thread = end_of(
        needs_none(NOON + HOUR, "SM2"), reply("One"), reply("Two", "SM2", NOON + MINUTE)
    )
    assert thread.waiting_texts == 0


def test_an_answer_that_did_not_arrive_is_none() -> None:
    answer = message("m", "queued", NOON + HOUR, written_by="dana")
    processor = run_all(reply("What time?"), answer)
    assert last_thread(processor).waiting_since is None
    processor.feed(message("m", "undelivered", NOON + 2 * HOUR, version=2, written_by="dana"))
    assert last_thread(processor).waiting_since == NOON
    processor.feed(answer)
    assert last_thread(processor).waiting_since == NOON


def test_the_text_that_waits_is_named_beside_the_last() -> None:
    """Moving it moves the mark, whatever came after it."""
    known = [party("a"), party("b"), reply("What time?"), reply("HELP", "SM2", NOON + MINUTE)]
    thread = end_of(*known, moved("SM1", "b", NOON + HOUR))
    assert thread.last_inbound is not None
    assert thread.last_waiting is not None
    assert (thread.last_inbound.inbound_id, thread.last_waiting.inbound_id) == ("SM2", "SM1")
    assert (thread.last_waiting.case_id, thread.to_answer) == ("b", thread.last_waiting)
    answered = end_of(*known, handled(NOON + HOUR))
    assert (answered.last_waiting, answered.to_answer) == (None, answered.last_inbound)


def test_who_wrote_last() -> None:
    thread = end_of(message("m", at=NOON, written_by="dana"), message("n", at=NOON - HOUR))
    assert (thread.last_out_at, thread.last_out_by) == (NOON, "dana")
    assert end_of(message("n", at=NOON - HOUR)).last_out_by is None


def test_who_has_it() -> None:
    processor = run_all(reply("Hello"), assigned("sam", NOON + HOUR), assigned("dana", NOON))
    assert last_thread(processor).assigned_to == "sam"
    processor.feed(assigned(None, NOON + 2 * HOUR))
    assert last_thread(processor).assigned_to is None


# --- confirmations

REMINDED = party("a", at=NOON - HOUR, awaits=[awaited()])


@pytest.mark.parametrize("body", ["C", "c", " C! ", "«c»"])
def test_a_word_that_is_awaited_confirms(body: str) -> None:
    processor = run_all(REMINDED, reply(body))
    [confirmed] = processor.published_on(CASE_REPLIES)
    assert (confirmed.case_id, confirmed.person_id, confirmed.event_id) == ("a", "ana", "hearing")
    assert (confirmed.provider_id, confirmed.at) == ("SM1", NOON)
    thread = last_thread(processor)
    assert thread.last_inbound is not None
    assert (thread.last_inbound.use, thread.waiting_since) == ("confirmation", None)


@pytest.mark.parametrize(
    ("known", "body"),
    [
        (REMINDED, "C you there?"),
        (REMINDED, "D"),
        (party("a", awaits=[awaited(until=NOON)]), "C"),
        (party("a", at=NOON + HOUR, awaits=[awaited()]), "C"),
        (party("a", awaits=[awaited()], closed=True), "C"),
        (party("a", awaits=[awaited()], left=True), "C"),
        (party("a", awaits=[awaited(word="yes")]), "Yes"),
    ],
)
def test_other_words_and_times_confirm_nothing(known: Any, body: str) -> None:
    processor = run_all(known, reply(body))
    assert processor.published_on(CASE_REPLIES) == []
    assert last_thread(processor).waiting_since == NOON


def test_a_consent_word_is_never_a_confirmation() -> None:
    processor = run_all(party("a", awaits=[awaited(word="stop")]), reply("stop"))
    assert processor.published_on(CASE_REPLIES) == []


def test_the_event_that_was_reminded_last_is_confirmed() -> None:
    known = [
        party("a", at=NOON - 3 * HOUR, awaits=[awaited("first")]),
        party("b", at=NOON - 2 * HOUR, awaits=[awaited("second")]),
        party("a", at=NOON - HOUR, awaits=[awaited("first"), awaited("other", "K")]),
    ]
    processor = run_all(*known, reply("C"))
    assert [one.event_id for one in processor.published_on(CASE_REPLIES)] == ["second"]
    thread = last_thread(processor)
    assert thread.last_inbound is not None
    assert thread.last_inbound.case_id == "b"


def test_all_who_share_the_number_confirm() -> None:
    known = [REMINDED, party("a", "luis", NOON - HOUR, awaits=[awaited()])]
    processor = run_all(*known, reply("C"))
    assert {one.person_id for one in processor.published_on(CASE_REPLIES)} == {"ana", "luis"}


def test_a_confirmation_is_published_once() -> None:
    processor = run_all(reply("C"), REMINDED, REMINDED, reply("C"))
    assert len(processor.published_on(CASE_REPLIES)) == 1
    assert last_thread(processor).waiting_since is None
    processor.feed(party("a", at=NOON + HOUR))
    assert last_thread(processor).waiting_since is None


# --- what is published, and kept


def test_a_thread_is_published_if_it_is_another() -> None:
    processor = run_all(reply("Hello"), reply("Hello"), note(), party("a", at=NOON - DAY))
    assert [one.version for one in processor.published_on(THREADS)] == [1, 2]
    processor.feed(party("a", at=NOON - HOUR))
    assert len(processor.published_on(THREADS)) == 2


def test_a_number_that_nobody_wrote_with_has_no_thread() -> None:
    assert run_all(party("a")).published_on(THREADS) == []


def test_what_is_over_is_forgotten() -> None:
    processor = run_all(
        party("a"),
        reply("One"),
        message("m", at=NOON + HOUR, written_by="dana"),
        reply("Two", "SM2", NOON + 2 * HOUR),
        needs_none(NOON, "SM3"),
        message("n", at=NOON + 3 * HOUR, case_id="a"),
    )
    before = last_thread(processor)
    processor.run_until(NOON + 100 * DAY)
    assert set(processor.state.raw) == {"thread", "case/a/ana", "in/SM2", "out/n"}
    processor.feed(party("b", at=NOON + 100 * DAY))
    after = last_thread(processor)
    assert (after.waiting_since, after.waiting_texts) == (before.waiting_since, 1)
    processor.feed(reply("One"))
    assert last_thread(processor).waiting_texts == 1


def test_a_flood_stays_small_and_counts() -> None:
    processor = thread_processor(now=NOON + DAY)
    for number in range(320):
        processor.feed(reply("Hello", f"SM{number:04}", NOON + number * MINUTE))
    assert len([name for name in processor.state.raw if name.startswith("in/")]) == 300
    thread = last_thread(processor)
    assert (thread.waiting_texts, thread.waiting_since) == (320, NOON)
    processor.feed(reply("Hello", "SM0000", NOON))
    assert last_thread(processor).waiting_texts == 320
    processor.feed(handled(NOON + DAY))
    assert last_thread(processor).waiting_texts == 0


def test_long_words_fit() -> None:
    """The harness holds every entry below 64 kB."""
    much = "x" * 1_000_000
    cases = [
        party(f"c{number}" * 30, title=much, name=much, notify_email="office@acme.example")
        for number in range(30)
    ]
    processor = run_all(*cases, reply(much, much[:60_000]), handled(inbound_id=much))
    assert last_thread(processor).waiting_texts == 1
