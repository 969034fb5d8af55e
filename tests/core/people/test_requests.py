"""What waits for a number, and what goes with its person to another one."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.send_request import CancelRequest
from schemas.topics import DEAD_LETTERS, REQUEST_CANCELS, SEND_REQUESTS
from streams.people.state import MAX_AT_ONCE, build_message_id
from streams.processing import UnreadableRecord
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.people.cases import (
    DAY,
    HOME,
    HOUR,
    MINUTE,
    NEW,
    NOON,
    OLD,
    THIRD,
    answer,
    decisions,
    delete,
    mobile,
    person_processor,
    request,
    summarize,
    update,
    upsert,
)

OFF = {"sms_enabled": False}


def issued(*numbers: dict[str, Any]) -> ProcessorHarness:
    processor = person_processor()
    processor.feed(upsert(*(numbers or [mobile(OLD)])))
    processor.feed(request())
    return processor


# --- for want of a number


def test_a_number_releases_requests_in_their_order() -> None:
    processor = person_processor()
    processor.feed(request(message_id="late", requested_at=NOON))
    processor.feed(request(message_id="early", requested_at=NOON - HOUR))
    assert summarize(processor.publish_from(upsert(mobile(OLD)))) == [
        ("asked", "early", OLD),
        ("asked", "late", OLD),
    ]


def test_the_gate_counts_on_from_our_decisions() -> None:
    processor = person_processor()
    processor.feed(request())
    processor.feed(upsert())
    processor.feed(upsert(mobile(OLD) | OFF))
    assert [(one.seq, one.findings[0].rule) for one in decisions(processor)] == [
        (1, "no_number"),
        (2, "no_number"),
        (3, "not_sms_enabled"),
    ]
    processor.feed(update(mobile(OLD, sms_enabled=True)))
    assert processor.published_on(SEND_REQUESTS)[0].resolved.decided == 3


def test_a_hold_with_the_same_reasons_is_not_repeated() -> None:
    processor = person_processor()
    processor.feed(request())
    processor.feed(upsert(name="Jo"))
    assert summarize(processor.publish_from(upsert(name="Joe"))) == []


@pytest.mark.parametrize(
    ("asked", "end", "rule"),
    [
        pytest.param({}, NOON + 30 * DAY, "held_too_long", id="after 30 days"),
        pytest.param({"valid_until": NOON + DAY}, NOON + DAY, "expired", id="at valid_until"),
        pytest.param(
            {"not_before": NOON + DAY},
            NOON + 31 * DAY,
            "held_too_long",
            id="30 days after not_before",
        ),
        pytest.param(
            {"valid_until": NOON + 40 * DAY},
            NOON + 30 * DAY,
            "held_too_long",
            id="whatever it says",
        ),
    ],
)
def test_a_held_request_expires(asked: dict[str, Any], end: Any, rule: str) -> None:
    processor = person_processor()
    processor.feed(request(**asked))
    assert summarize(processor.run_until(end - MINUTE)) == []
    assert summarize(processor.run_until(end)) == [
        ("decided", "m1", "expire", "no_number", "unknown_person", rule)
    ]
    assert summarize(processor.publish_from(upsert(mobile(OLD)))) == []


def test_a_request_past_its_time_ends_at_once() -> None:
    processor = person_processor()
    published = processor.publish_from(request(valid_until=NOON - MINUTE))
    assert summarize(published) == [
        ("decided", "m1", "expire", "no_number", "unknown_person", "expired")
    ]


def test_an_unsendable_text_is_rejected_in_words() -> None:
    processor = person_processor()
    assert summarize(processor.publish_from(request(body="x" * 900_000))) == [
        ("decided", "m1", "reject", "bad_body")
    ]
    assert max(map(len, processor.state.raw.values())) < 1000


def test_a_text_about_an_event_goes() -> None:
    """Its fields are not all words: the event has a time."""
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    about = {"case_id": "c1", "event_id": "e1", "event_at": NOON + DAY, "event_title": "hearing"}
    processor.feed(request(**about))
    (sent,) = processor.published_on(SEND_REQUESTS)
    assert (sent.to, sent.event_at) == (OLD, NOON + DAY)


def test_a_request_like_a_file_is_a_dead_letter() -> None:
    processor = person_processor()
    processor.feed(request(requested_by="x" * 5_000))
    assert [letter.cause for letter in processor.published_on(DEAD_LETTERS)] == ["too_large"]


@pytest.mark.parametrize(
    "then", [None, answer("send"), answer("reject")], ids=["waiting", "ordered", "refused"]
)
def test_a_repeated_request_publishes_nothing(then: Any) -> None:
    processor = issued()
    if then:
        processor.feed(then)
    assert processor.publish_from(request()) == []
    processor.feed(request(body="another text"))
    assert [letter.cause for letter in processor.published_on(DEAD_LETTERS)] == ["id_reused"]


def test_a_request_for_a_deleted_person_is_rejected() -> None:
    processor = person_processor()
    processor.feed(request())
    assert summarize(processor.publish_from(delete())) == [
        ("decided", "m1", "reject", "no_number", "unknown_person", "person_deleted")
    ]


# --- to another number


def test_a_text_never_goes_to_two_numbers() -> None:
    processor = issued()
    assert summarize(processor.publish_from(upsert(mobile(NEW)))) == [("canceled", "m1", OLD)]
    assert summarize(processor.publish_from(update(name="Jo"))) == []
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == [
        ("asked", "m1:moved-2", NEW)
    ]
    moved = processor.published_on(SEND_REQUESTS)[-1]
    assert (moved.resend_of, moved.resolved.request_id, moved.resolved.decided) == ("m1", "m1", 0)
    assert moved.resolved.received_at == NOON


def test_it_moves_when_another_number_comes_first() -> None:
    processor = issued()
    assert summarize(processor.publish_from(update(mobile(NEW, primary=True)))) == [
        ("canceled", "m1", OLD)
    ]


def test_it_stays_when_another_number_comes_second() -> None:
    assert summarize(issued().publish_from(update(mobile(NEW)))) == []


def test_a_second_change_issues_only_the_last_number() -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    assert summarize(processor.publish_from(upsert(mobile(THIRD)))) == []
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == [
        ("asked", "m1:moved-2", THIRD)
    ]
    assert summarize(processor.publish_from(upsert(mobile(NEW)))) == [
        ("canceled", "m1:moved-2", THIRD)
    ]
    assert summarize(processor.publish_from(answer("cancel", "m1:moved-2", by="people"))) == [
        ("asked", "m1:moved-3", NEW)
    ]
    assert processor.published_on(SEND_REQUESTS)[-1].resend_of == "m1:moved-2"


def test_a_change_taken_back_goes_to_the_first_number() -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    processor.feed(upsert(mobile(OLD)))
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == [
        ("asked", "m1:moved-2", OLD)
    ]


def test_with_no_number_left_it_waits_here_under_its_next_id() -> None:
    processor = issued()
    assert summarize(processor.publish_from(update(remove=[OLD]))) == [("canceled", "m1", OLD)]
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == [
        ("decided", "m1:moved-2", "hold", "no_number")
    ]
    assert decisions(processor)[-1].resend_of == "m1"
    assert summarize(processor.publish_from(update(mobile(NEW)))) == [("asked", "m1:moved-2", NEW)]
    assert processor.published_on(SEND_REQUESTS)[-1].resolved.decided == 1


def test_a_disabled_number_cancels_and_waits() -> None:
    processor = issued()
    assert summarize(processor.publish_from(update(mobile(OLD, sms_enabled=False)))) == [
        ("canceled", "m1", OLD)
    ]
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == [
        ("decided", "m1:moved-2", "hold", "not_sms_enabled")
    ]


def test_a_move_keeps_the_time_of_the_request() -> None:
    processor = issued()
    processor.run_until(NOON + 29 * DAY)
    processor.feed(update(remove=[OLD]))
    processor.feed(answer("cancel", by="people"))
    assert summarize(processor.run_until(NOON + 30 * DAY)) == [
        ("decided", "m1:moved-2", "expire", "no_number", "held_too_long")
    ]


def test_what_left_before_the_cancel_is_not_issued_again() -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    assert summarize(processor.publish_from(answer("send"))) == []
    assert summarize(processor.publish_from(upsert(mobile(THIRD)))) == []


@pytest.mark.parametrize("verdict", ["reject", "expire"])
def test_what_ended_before_the_cancel_is_over(verdict: str) -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    assert summarize(processor.publish_from(answer(verdict))) == []
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == []


def test_what_staff_canceled_is_not_issued_again() -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    assert summarize(processor.publish_from(answer("cancel", by="m.ortiz"))) == []
    assert summarize(processor.publish_from(upsert(mobile(THIRD)))) == []


def test_an_order_to_a_removed_number_is_canceled() -> None:
    processor = issued()
    processor.feed(answer("send"))
    assert summarize(processor.publish_from(update(mobile(NEW, primary=True)))) == [], (
        "theirs still: it goes where it was ordered to"
    )
    assert summarize(processor.publish_from(update(remove=[OLD]))) == [("canceled", "m1", OLD)]


def test_an_order_of_long_ago_is_left_alone() -> None:
    processor = issued()
    processor.feed(answer("send"))
    processor.run_until(NOON + 4 * DAY)
    assert summarize(processor.publish_from(upsert(mobile(NEW)))) == []


def test_an_old_order_that_is_returned_is_canceled() -> None:
    processor = issued()
    processor.feed(answer("send"))
    processor.run_until(NOON + 4 * DAY)
    processor.feed(upsert(mobile(NEW)))
    assert summarize(processor.publish_from(answer("hold"))) == [("canceled", "m1", OLD)]


def test_an_answer_to_an_earlier_id_changes_nothing() -> None:
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    processor.feed(answer("cancel", by="people"))
    assert processor.publish_from(answer("cancel", by="people")) == []
    assert processor.publish_from(answer("cancel", "m1:moved-3", by="people")) == []
    assert processor.publish_from(answer("send", "other", request_id="other")) == []


def test_a_deleted_person_cancels_and_ends_the_request() -> None:
    processor = issued()
    assert summarize(processor.publish_from(delete())) == [("canceled", "m1", OLD)]
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == []


def test_a_type_that_is_no_longer_allowed_cancels() -> None:
    processor = person_processor(number_types=["home"])
    processor.feed(upsert({"number": HOME, "type": "home", "sms_enabled": True}))
    processor.feed(request(to=HOME))
    processor.settings = person_processor().settings
    assert summarize(processor.publish_from(update(name="Jo"))) == [("canceled", "m1", HOME)]


@pytest.mark.parametrize(
    ("then", "why"),
    [
        pytest.param(upsert(mobile(NEW)), "it is sent to the new one", id="moved"),
        pytest.param(upsert(mobile(OLD, **OFF)), "it waits for one", id="switched off"),
        pytest.param(upsert(), "it waits for one", id="no number left"),
        pytest.param(delete(), "ask again for somebody who is on record", id="deleted"),
    ],
)
def test_a_cancel_says_what_happens_next(then: Any, why: str) -> None:
    processor = issued()
    (back,) = [value for topic, value in processor.publish_from(then) if topic is REQUEST_CANCELS]
    assert isinstance(back, CancelRequest)
    assert why in back.reason


# --- how much, how long


def test_thousands_move_in_bounded_steps() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    for n in range(MAX_AT_ONCE + 20):
        processor.feed(request(message_id=f"m{n}"))
    first = processor.publish_from(upsert(mobile(NEW)))
    assert len([one for one in first if one.topic is REQUEST_CANCELS]) == MAX_AT_ONCE
    rest = processor.run_until(processor.now + MINUTE)
    assert len([one for one in rest if one.topic is REQUEST_CANCELS]) == 20


@pytest.mark.parametrize(
    "said", [(), (answer("send"),), (answer("reject"),)], ids=["silence", "ordered", "refused"]
)
def test_everything_is_forgotten_in_the_end(said: Any) -> None:
    processor = issued()
    for one in said:
        processor.feed(one)
    processor.run_until(NOON + 101 * DAY)
    assert [name for name in processor.state.raw if name != "person"] == []


def test_an_unreadable_record_changes_nothing() -> None:
    processor = issued()
    assert processor.publish_from(UnreadableRecord(cause="bad_value", reason="")) == []


def test_a_long_id_is_cut_and_stays_unique() -> None:
    one, other = build_message_id("a" * 127 + "1", 2), build_message_id("a" * 127 + "2", 2)
    assert one != other
    assert len(one) == len(other) == 128
    assert build_message_id("m1", 1) == "m1"


# --- test mode


@pytest.mark.parametrize(
    ("record", "rules"),
    [
        pytest.param(None, ["test_mode", "no_number", "unknown_person"], id="nobody on record"),
        pytest.param(upsert(), ["test_mode", "no_number"], id="no number"),
        pytest.param(
            upsert(mobile(OLD, sms_enabled=False)), ["test_mode", "not_sms_enabled"], id="off"
        ),
    ],
)
def test_a_request_in_test_mode_waits_for_no_number(record: Any, rules: list[str]) -> None:
    processor = person_processor()
    if record is not None:
        processor.feed(record)
    told = processor.publish_from(request(test_mode=True))
    assert summarize(told) == [("decided", "m1", "cancel", *rules)]
    assert summarize(processor.publish_from(upsert(mobile(OLD)))) == []


def test_with_a_number_the_gate_ends_it() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(request(test_mode=True))
    (asked,) = processor.published_on(SEND_REQUESTS)
    assert asked.test_mode is True
    processor.feed(answer("cancel"))
    assert summarize(processor.publish_from(upsert(mobile(NEW)))) == [], "it is over"


def test_words_that_cannot_be_sent_are_found_in_test_mode_too() -> None:
    processor = person_processor()
    told = processor.publish_from(request(test_mode=True, body=""))
    assert summarize(told) == [("decided", "m1", "cancel", "test_mode", "bad_body")]


def test_a_live_request_is_no_repeat_of_one_in_test_mode() -> None:
    processor = person_processor()
    processor.feed(request(test_mode=True))
    told = processor.publish_from(request())
    assert [one.cause for one in on_topic(DEAD_LETTERS, told)] == ["id_reused"]
