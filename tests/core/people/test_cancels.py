"""A case or a member of staff takes a request back, wherever it is."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.person import PersonCancel
from schemas.topics import (
    CASE_ANSWERS,
    DEAD_LETTERS,
    DECISIONS,
    REQUEST_CANCELS,
    SEND_REQUESTS,
)
from streams.dedup import RETENTION
from streams.people.state import WORDS_AT_MOST, cancel_name
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.people.cases import (
    DAY,
    NEW,
    NOON,
    OLD,
    answer,
    delete,
    mobile,
    person_processor,
    request,
    summarize,
    upsert,
)


def cancel(**changes: Any) -> PersonCancel:
    said = {
        "tenant": "acme",
        "person_id": "p1",
        "request_id": "m1",
        "by": "cases",
        "reason": "the hearing was moved",
        "at": NOON,
    }
    return PersonCancel.model_validate(said | changes)


def issued() -> ProcessorHarness:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(request())
    return processor


def ordered() -> ProcessorHarness:
    processor = issued()
    processor.feed(answer("send"))
    return processor


def moving() -> ProcessorHarness:
    """Its person has another number, and people have asked for it back."""
    processor = issued()
    processor.feed(upsert(mobile(NEW)))
    return processor


def test_what_waits_for_a_number_ends_with_a_decision_of_people() -> None:
    processor = person_processor()
    processor.feed(request())
    told = processor.publish_from(cancel())
    assert summarize(told) == [("decided", "m1", "cancel", "canceled")]
    (decision,) = on_topic(DECISIONS, told)
    assert (decision.seq, decision.findings[0].next_step) == (2, "the hearing was moved")
    assert summarize(processor.publish_from(upsert(mobile(OLD)))) == []


@pytest.mark.parametrize("begin", [issued, ordered, moving])
@pytest.mark.parametrize("by", ["cases", "m.ortiz"])
def test_what_has_left_people_is_taken_back_in_the_same_name(begin: Any, by: str) -> None:
    processor = begin()
    told = processor.publish_from(cancel(by=by))
    assert summarize(told) == [("canceled", "m1", OLD)]
    assert [one.by for one in on_topic(REQUEST_CANCELS, told)] == [by]


@pytest.mark.parametrize("begin", [issued, ordered, moving])
@pytest.mark.parametrize("by", ["cases", "people"])
def test_the_answer_ends_it_and_it_is_not_issued_again(begin: Any, by: str) -> None:
    """`people`: the move's own cancel was decided first, or outcomes has seen dispatch cancel
    it."""
    processor = begin()
    processor.feed(cancel())
    assert processor.publish_from(answer("cancel", by=by)) == []
    assert summarize(processor.publish_from(upsert(mobile(NEW, primary=True)))) == []
    assert processor.publish_from(request()) == [], "its id is remembered"


@pytest.mark.parametrize("verdict", ["send", "hold"])
def test_an_answer_from_before_the_cancel_does_not_end_it(verdict: str) -> None:
    processor = issued()
    processor.feed(cancel())
    processor.feed(answer(verdict))
    assert summarize(processor.publish_from(upsert(mobile(NEW)))) == []
    assert processor.publish_from(answer("cancel", by="people")) == []
    assert processor.publish_from(request()) == []


def test_after_a_move_the_present_try_is_taken_back() -> None:
    processor = moving()
    processor.feed(answer("cancel", by="people"))
    assert summarize(processor.publish_from(cancel())) == [("canceled", "m1:moved-2", NEW)]


def test_a_cancel_that_comes_first_waits_for_its_request() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    assert processor.publish_from(cancel()) == []
    told = processor.publish_from(request())
    assert summarize(told) == [("decided", "m1", "cancel", "canceled")]
    assert cancel_name("m1") not in processor.state.raw
    assert processor.publish_from(request()) == []
    assert summarize(processor.publish_from(request(message_id="m2"))) == [("asked", "m2", OLD)]


def test_a_cancel_without_a_request_is_forgotten() -> None:
    processor = person_processor()
    processor.feed(cancel())
    processor.run_until(NOON + RETENTION)
    assert list(processor.state.raw) == []


@pytest.mark.parametrize("begin", [issued, ordered, moving, person_processor])
def test_repeats_change_nothing(begin: Any) -> None:
    processor = begin()
    processor.feed(cancel())
    before = dict(processor.state.raw)
    assert processor.publish_from(cancel(by="m.ortiz", reason="otherwise")) == []
    assert processor.state.raw == before


def test_what_is_over_stays_over() -> None:
    processor = issued()
    processor.feed(answer("reject"))
    assert processor.publish_from(cancel()) == []
    assert cancel_name("m1") not in processor.state.raw


def test_a_person_who_is_deleted_takes_nothing_from_the_cancel() -> None:
    processor = issued()
    processor.feed(cancel())
    assert summarize(processor.publish_from(delete())) == []


def test_long_words_are_cut_and_hold_nothing_up() -> None:
    processor = issued()
    told = processor.publish_from(cancel(reason="x" * 1_000_000, by="y" * 1_000_000))
    (back,) = on_topic(REQUEST_CANCELS, told)
    assert (len(back.reason), len(back.by)) == (WORDS_AT_MOST, WORDS_AT_MOST)
    assert on_topic(DEAD_LETTERS, told) == []


def test_a_cancel_that_nobody_answers_is_forgotten_in_the_end() -> None:
    processor = ordered()
    processor.feed(cancel())
    processor.run_until(NOON + RETENTION + 31 * DAY)
    processor.run_until(NOON + 3 * RETENTION)
    assert [name for name in processor.state.raw if name.startswith(("req/", "done/"))] == []


@pytest.mark.parametrize("begin", [issued, ordered, moving])
def test_the_case_is_told_when_nothing_is_under_way_any_more(begin: Any) -> None:
    processor = begin()
    processor.feed(cancel(case_id="c1"))
    (told,) = on_topic(CASE_ANSWERS, processor.publish_from(answer("cancel", by="cases")))
    assert (told.case_key, told.request_id, told.state) == ("acme/c1", "m1", "canceled")
    assert told.confirms_cancel


def test_the_case_is_not_told_by_the_cancel_of_a_move() -> None:
    """The text goes on to another number: only its own cancel ends it."""
    processor = moving()
    told = processor.publish_from(answer("cancel", by="people"))
    assert summarize(told) == [("asked", "m1:moved-2", NEW)]
    taken_back = processor.publish_from(cancel(case_id="c1"))
    assert on_topic(CASE_ANSWERS, taken_back) == []
    ended = processor.publish_from(answer("cancel", by="cases", message_id="m1:moved-2"))
    assert [one.confirms_cancel for one in on_topic(CASE_ANSWERS, ended)] == [True]


def test_the_case_is_told_of_what_waits_here_and_of_what_had_ended() -> None:
    processor = person_processor()
    processor.feed(request())
    for _ in ("it waits for a number", "it has ended"):
        told = on_topic(CASE_ANSWERS, processor.publish_from(cancel(case_id="c1")))
        assert [one.confirms_cancel for one in told] == [True]


def test_the_case_is_told_of_a_cancel_that_came_before_its_request() -> None:
    processor = person_processor()
    assert on_topic(CASE_ANSWERS, processor.publish_from(cancel(case_id="c1"))) == []
    told = on_topic(CASE_ANSWERS, processor.publish_from(request()))
    assert [one.confirms_cancel for one in told] == [True]


@pytest.mark.parametrize("case_comes_first", [True, False])
def test_a_case_waits_for_the_end_of_a_call_whoever_else_took_the_text_back(
    case_comes_first: bool,
) -> None:
    """Dispatch may be calling for what staff cancel: only outcomes knows that nobody was called."""
    processor = ordered()
    by_staff = answer("cancel", by="m.ortiz", may_have_left=True)
    both = [cancel(case_id="c1"), by_staff]
    told = [
        one
        for record in (both if case_comes_first else reversed(both))
        for one in on_topic(CASE_ANSWERS, processor.publish_from(record))
    ]
    assert told == []
    ended = processor.publish_from(answer("cancel", by="people"))
    assert [one.confirms_cancel for one in on_topic(CASE_ANSWERS, ended)] == [True]
    assert summarize(ended) == []


def test_what_staff_took_back_from_dispatch_is_not_issued_again() -> None:
    processor = ordered()
    processor.feed(answer("cancel", by="m.ortiz", may_have_left=True))
    assert summarize(processor.publish_from(upsert(mobile(NEW, primary=True)))) == []
    assert summarize(processor.publish_from(answer("cancel", by="people"))) == []


# --- undo: a text that whoever sent it withdraws


def test_a_text_that_waits_for_a_number_is_withdrawn_within_its_time() -> None:
    processor = person_processor()
    processor.feed(request(undo_seconds=10))
    told = processor.publish_from(cancel(by="dana"))
    assert summarize(told) == [("decided", "m1", "cancel", "withdrawn")]


def test_after_its_time_it_is_canceled() -> None:
    processor = person_processor()
    processor.feed(request(undo_seconds=10))
    processor.wait(10)
    told = processor.publish_from(cancel(by="dana"))
    assert summarize(told) == [("decided", "m1", "cancel", "canceled")]


def test_it_may_be_withdrawn_before_it_comes() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(cancel(by="dana"))
    told = processor.publish_from(request(undo_seconds=10))
    assert summarize(told) == [("decided", "m1", "cancel", "withdrawn")]


def test_the_gate_is_told_how_long_to_hold_it() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(request(undo_seconds=10))
    (asked,) = processor.published_on(SEND_REQUESTS)
    assert asked.undo_seconds == 10
    told = processor.publish_from(cancel(by="dana"))
    assert [one.by for one in on_topic(REQUEST_CANCELS, told)] == ["dana"]
