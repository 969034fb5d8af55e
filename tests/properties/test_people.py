"""Whatever is said of a person, asked for them and answered, in any order: one try alive at a
time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decision import Verdict
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.topics import DECISIONS, PEOPLE, REQUEST_CANCELS, SEND_REQUESTS
from streams.people import people, people_on_timer
from streams.people.person_events import apply_event, is_unchanged
from tests.core.harness import ProcessorHarness
from tests.core.people.cases import HOME, NEW, NOON, OLD, THIRD, answer, request
from tests.core.people.cases import settings as policy

NUMBERS = st.builds(
    NumberChange,
    number=st.sampled_from([OLD, NEW, THIRD, HOME]),
    type=st.sampled_from(["mobile", "mobile", "home", None]),
    sms_enabled=st.sampled_from([True, False, None]),
    primary=st.sampled_from([True, False, None]),
)
EVENTS = st.builds(
    PersonEvent,
    event_id=st.uuids().map(lambda one: one.hex),
    tenant=st.just("acme"),
    person_id=st.just("p1"),
    action=st.sampled_from([*PersonAction, PersonAction.UPSERT, PersonAction.UPDATE]),
    name=st.sampled_from(["Jo", "", None]),
    numbers=st.lists(NUMBERS, max_size=3).map(tuple),
    remove=st.lists(st.sampled_from([OLD, NEW]), max_size=1).map(tuple),
    at=st.just(NOON),
)
IDS = st.sampled_from(["m1", "m2"])
REQUESTS = st.builds(
    lambda one, to, until: request(message_id=one, to=to, valid_until=until),
    IDS,
    st.sampled_from([None, None, HOME, OLD]),
    st.sampled_from([None, NOON + timedelta(days=1)]),
)
STEPS = st.lists(
    EVENTS
    | REQUESTS
    | st.tuples(IDS, st.sampled_from([*Verdict]))
    | st.sampled_from([timedelta(hours=1), timedelta(days=1)]),
    max_size=25,
)
"""Shorter than ids are remembered."""


def run_steps(steps: list[Any]) -> ProcessorHarness:
    """The gate answers for what was asked of it last, truthfully: a cancel by people only where
    people asked for it."""
    processor = ProcessorHarness(
        people, people_on_timer, "acme/p1", policy(number_types=["home"]), now=NOON
    )
    for step in steps:
        match step:
            case timedelta():
                processor.run_until(processor.now + step)
            case (str() as request_id, Verdict() as verdict):
                _answer(processor, request_id, verdict)
            case _:
                processor.feed(step)
    return processor


def _answer(processor: ProcessorHarness, request_id: str, verdict: Verdict) -> None:
    tried = [
        one.message_id
        for one in processor.published_on(SEND_REQUESTS)
        if one.resolved.request_id == request_id
    ]
    taken_back = {one.message_id for one in processor.published_on(REQUEST_CANCELS)}
    if not tried:
        return
    by = "people" if tried[-1] in taken_back else "staff"
    processor.feed(
        answer(
            verdict.value,
            tried[-1],
            by=by if verdict is Verdict.CANCEL else "",
            request_id=request_id,
        )
    )


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_one_try_is_alive_at_a_time(steps: list[Any]) -> None:
    """Each is asked for once, and the next only after the one before was taken back."""
    processor = run_steps(steps)
    seen: dict[str, list[str]] = {}
    taken_back: set[str] = set()
    for topic, value in processor.published:
        if topic is REQUEST_CANCELS:
            assert value.message_id not in taken_back
            taken_back.add(value.message_id)
        elif topic is SEND_REQUESTS:
            earlier = seen.setdefault(value.resolved.request_id, [])
            assert value.message_id not in earlier
            assert set(earlier) <= taken_back
            earlier.append(value.message_id)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_decisions_count_up_and_the_gate_counts_on(steps: list[Any]) -> None:
    processor = run_steps(steps)
    counted = Counter[str]()
    for topic, value in processor.published:
        if topic is DECISIONS:
            counted[value.message_id] += 1
            assert value.seq == counted[value.message_id]
            assert value.findings
        elif topic is SEND_REQUESTS:
            assert value.resolved.decided == counted[value.message_id]


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_nothing_waits_for_ever(steps: list[Any]) -> None:
    processor = run_steps(steps)
    processor.run_until(processor.now + timedelta(days=200))
    assert {name for name in processor.state.raw if name != "person"} == set()


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_people_told_again_from_the_beginning_say_the_same(steps: list[Any]) -> None:
    """Events are remembered: the last person stands, however often the topic is read again."""
    events = [step for step in steps if isinstance(step, PersonEvent)]
    processor = run_steps(events)
    before = processor.published_on(PEOPLE)[-1:]
    for event in events:
        processor.feed(event)
    assert processor.published_on(PEOPLE)[-1:] == before


@given(st.lists(EVENTS, max_size=8))
def test_a_person_has_one_primary_number_and_no_number_twice(events: list[PersonEvent]) -> None:
    person = None
    for event in events:
        person = apply_event(person, event)
        assert sum(one.primary for one in person.numbers) <= 1
        assert len({one.number for one in person.numbers}) == len(person.numbers)
        assert is_unchanged(person, person.model_copy())
