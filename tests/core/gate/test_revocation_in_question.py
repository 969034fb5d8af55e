"""What may be an opt-out: automatic texts wait until staff have read it, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.base import Evidence, Message
from schemas.consent import ConsentAction, ConsentState
from schemas.controls import Recall, Stop
from schemas.send import Returned
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, DISPATCH_CONTROLS, DISPATCH_ORDERS
from streams.gate.consent_log import find_flaws
from streams.local_time.business_days import add_business_days
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OWN,
    SECOND,
    decided,
    gate_processor,
    go_on,
    looked,
    number_state,
    opt_in,
    opt_out,
    recorded,
    reply,
    request,
    unreadable_text,
)
from tests.core.harness import ProcessorHarness, on_topic

IN, OUT, NONE, PENDING = (
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
    ConsentState.NONE,
    ConsentState.PENDING,
)
HELD = "revocation_in_question"
MAYBE = "fin"
"""French for the end, and ordinary in other languages."""
LATER = NOON + HOUR


def in_question(state: ConsentState = IN, body: str = MAYBE) -> ProcessorHarness:
    processor = gate_processor()
    if state is IN:
        processor.feed(opt_in(), at=NOON)
    if state is PENDING:
        processor.feed(request(message_id="first"), at=NOON)
    processor.feed(reply(body), at=LATER)
    assert number_state(processor).question is not None
    return processor


@pytest.mark.parametrize("state", [NONE, PENDING, IN])
def test_it_changes_no_consent(state: ConsentState) -> None:
    processor = in_question(state)
    assert number_state(processor).state is state
    entry = processor.published_on(CONSENT_LOG)[-1]
    assert (entry.action, entry.was, entry.now, entry.applied) == (
        ConsentAction.MAYBE_REVOKED,
        state,
        state,
        True,
    )
    assert (entry.read_by, entry.evidence.text, entry.sender) == ("fr:fin", MAYBE, OWN)
    assert "fr:fin" in entry.reason
    assert not entry.flagged
    status = processor.published_on(CONSENT_STATUS)[-1]
    assert status.in_question.since == LATER
    assert status.in_question.opt_out_at == datetime(2026, 11, 25, 5, tzinfo=UTC)


def test_automatic_texts_wait_with_a_next_step() -> None:
    processor = in_question()
    published = processor.publish_from(request(message_id="a"))
    assert decided(published) == [("a", "hold", [HELD])]
    (decision,) = [one for _, one in published if getattr(one, "message_id", "") == "a"]
    (finding,) = decision.findings
    assert "sayso consent go-on" in finding.next_step
    assert "2026-11-25 00:00 EST" in finding.next_step


def test_what_a_person_writes_by_hand_goes() -> None:
    processor = in_question()
    assert decided(processor.publish_from(request(message_id="a", written_by="dana"))) == [
        ("a", "send", [])
    ]


@pytest.mark.parametrize("changes", [{"written_by": " "}, {"kind": "marketing"}])
def test_nobody_or_a_campaign_writes_nothing_by_hand(changes: dict[str, str]) -> None:
    processor = in_question()
    asked = request(message_id="a", **({"written_by": "dana"} | changes))
    assert decided(processor.publish_from(asked)) == [("a", "hold", [HELD])]


def test_by_hand_is_no_consent() -> None:
    processor = in_question(NONE)
    ((_, verdict, rules),) = decided(
        processor.publish_from(request(message_id="a", written_by="dana"))
    )
    assert (verdict, rules) == ("hold", ["not_opted_in"])


def test_nobody_is_asked_to_opt_in_while_it_is_open() -> None:
    processor = in_question(NONE)
    published = processor.publish_from(request(message_id="a"))
    assert on_topic(DISPATCH_ORDERS, published) == []
    released = processor.publish_from(go_on(), at=LATER + MINUTE)
    assert [order.kind for order in on_topic(DISPATCH_ORDERS, released)] == ["consent_ask"]


def test_help_is_answered() -> None:
    processor = in_question()
    orders = on_topic(DISPATCH_ORDERS, processor.publish_from(reply("HELP")))
    assert [order.kind for order in orders] == ["help_answer"]


def test_what_is_queued_is_taken_back_and_held_and_not_canceled() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    (order,) = on_topic(DISPATCH_ORDERS, processor.publish_from(request(message_id="a")))
    (recall,) = on_topic(DISPATCH_CONTROLS, processor.publish_from(reply(MAYBE), at=LATER))
    assert recall == Recall(
        sender=OWN,
        number=order.to,
        tenant="acme",
        consent_epoch=order.consent_epoch + 1,
        at=LATER,
    )
    back = Returned(order=order, reason="recalled", code="recalled", at=LATER + SECOND)
    assert decided(processor.publish_from(back)) == [("a", "hold", [HELD])]
    released = processor.publish_from(go_on(), at=LATER + MINUTE)
    (again,) = on_topic(DISPATCH_ORDERS, released)
    assert again.message_id == "a"
    assert again.consent_epoch >= recall.consent_epoch
    assert again.body == order.body


def test_a_second_text_of_the_kind_changes_nothing() -> None:
    processor = in_question()
    before = number_state(processor)
    published = processor.publish_from(reply(MAYBE), at=LATER + HOUR)
    (entry,) = on_topic(CONSENT_LOG, published)
    assert (entry.applied, on_topic(DISPATCH_CONTROLS, published)) == (False, [])
    assert number_state(processor).question == before.question


def test_a_repeat_by_its_id_changes_nothing() -> None:
    processor = gate_processor()
    once = reply(MAYBE)
    processor.feed(once, at=NOON)
    assert processor.publish_from(once, at=LATER) == []


def test_after_an_opt_out_there_is_no_question() -> None:
    processor = gate_processor()
    processor.feed(reply("STOP"), at=NOON)
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(reply(MAYBE), at=LATER))
    assert (entry.applied, number_state(processor).question) == (False, None)
    processor.run_until(NOON + 10 * DAY)
    assert number_state(processor).flagged is False


# --- closing it


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda: reply("STOP"), id="STOP"),
        pytest.param(lambda: reply("please stop texting me"), id="in other words"),
        pytest.param(opt_out, id="form"),
        pytest.param(lambda: opt_out(source="manual", evidence=Evidence(actor="dana")), id="staff"),
    ],
)
@pytest.mark.parametrize("state", [NONE, PENDING, IN])
def test_a_stop_is_a_stop(state: ConsentState, stop: Callable[[], Message]) -> None:
    processor = in_question(state)
    processor.feed(request(message_id="a"))
    published = processor.publish_from(stop(), at=LATER + MINUTE)
    assert (number_state(processor).state, number_state(processor).question) == (OUT, None)
    assert ("a", "reject") in [(name, verdict) for name, verdict, _ in decided(published)]
    assert processor.published_on(CONSENT_STATUS)[-1].in_question is None
    before = len(processor.published_on(CONSENT_LOG))
    processor.run_until(NOON + 20 * DAY)
    assert len(processor.published_on(CONSENT_LOG)) == before


@pytest.mark.parametrize("state", [NONE, PENDING, IN])
def test_start_by_the_person_lifts_it(state: ConsentState) -> None:
    processor = in_question(state)
    processor.feed(request(message_id="a"))
    published = processor.publish_from(reply("START"), at=LATER + MINUTE)
    kinds = [order.kind for order in on_topic(DISPATCH_ORDERS, published)]
    assert kinds[0] == "start_confirmation"
    assert "reminder" in kinds
    assert (number_state(processor).state, number_state(processor).question) == (IN, None)


def test_an_older_start_lifts_nothing() -> None:
    """It lay in a backlog while the doubtful text came another way."""
    processor = in_question()
    processor.publish_from_stamped(reply("START"), LATER - MINUTE)
    assert number_state(processor).question is not None


def test_a_form_signed_later_lifts_it_and_an_older_one_does_not() -> None:
    processor = in_question()
    processor.feed(opt_in(at=LATER - MINUTE), at=LATER + HOUR)
    assert number_state(processor).question is not None
    processor.feed(opt_in(at=LATER + MINUTE), at=LATER + 2 * HOUR)
    assert number_state(processor).question is None


def test_no_record_of_staff_lifts_it_but_their_answer() -> None:
    processor = in_question()
    processor.feed(recorded(), at=LATER + MINUTE)
    processor.feed(looked(), at=LATER + 2 * MINUTE)
    assert "go-on" in processor.published_on(CONSENT_LOG)[-1].reason
    assert number_state(processor).question is not None
    processor.feed(go_on(), at=LATER + 3 * MINUTE)
    assert number_state(processor).question is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"evidence": Evidence()}, "only staff"),
        ({"evidence": Evidence(actor=" ")}, "only staff"),
        ({"source": "form"}, "only staff"),
    ],
)
def test_only_a_named_person_says_go_on(changes: dict[str, Any], why: str) -> None:
    processor = in_question()
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(go_on(**changes), at=LATER + MINUTE))
    assert (entry.applied, why in entry.reason) == (False, True)
    assert number_state(processor).question is not None


def test_go_on_answers_nothing_later_and_nothing_that_is_not_there() -> None:
    processor = in_question()
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from_stamped(go_on(), LATER))
    assert not entry.applied
    processor.feed(go_on(), at=LATER + MINUTE)
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(go_on(), at=LATER + HOUR))
    assert (entry.applied, entry.reason) == (False, "nothing is in question")


def test_go_on_lifts_no_unreadable_record() -> None:
    processor = in_question()
    processor.feed(unreadable_text(), at=LATER + MINUTE)
    processor.feed(go_on(), at=LATER + HOUR)
    ((_, verdict, rules),) = decided(processor.publish_from(request()))
    assert (verdict, rules) == ("hold", ["consent_unreadable"])


# --- nobody answers


def test_unanswered_for_two_business_days_it_is_an_opt_out() -> None:
    processor = in_question()
    processor.feed(request(message_id="a"))
    due = number_state(processor).question.opt_out_at
    processor.run_until(due - SECOND)
    assert number_state(processor).state is IN
    published = processor.run_until(due + SECOND)
    (entry,) = on_topic(CONSENT_LOG, published)
    assert (entry.action, entry.was, entry.now, entry.flagged) == ("opt_out", IN, OUT, True)
    assert "two business days" in entry.reason
    assert (entry.evidence.text, entry.read_by) == (MAYBE, "fr:fin")
    assert decided(published) == [("a", "reject", ["opted_out"])]
    assert [type(one) for one in on_topic(DISPATCH_CONTROLS, published)] == []
    assert on_topic(DISPATCH_ORDERS, published) == []
    assert number_state(processor).question is None
    entries = [
        one.model_dump(mode="json", exclude_none=True)
        for one in processor.published_on(CONSENT_LOG)
    ]
    assert find_flaws(entries) == ()


def test_then_staff_may_lift_it_and_start_comes_back() -> None:
    for lift in (recorded(evidence=Evidence(actor="ann")), reply("START")):
        processor = in_question()
        processor.run_until(NOON + 7 * DAY)
        assert number_state(processor).state is OUT
        processor.feed(lift)
        assert number_state(processor).state is IN


def test_a_start_written_before_the_time_was_over_counts_after_it() -> None:
    processor = in_question()
    processor.run_until(NOON + 7 * DAY)
    processor.publish_from_stamped(reply("START"), LATER + DAY)
    assert number_state(processor).state is IN


def test_every_sender_is_stopped_then() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(request())
    processor.feed(reply(MAYBE), at=LATER)
    (stop,) = on_topic(DISPATCH_CONTROLS, processor.run_until(NOON + 7 * DAY))
    assert isinstance(stop, Stop)
    assert stop.consent_epoch == number_state(processor).epoch


def test_the_count_of_held_texts_does_not_move_the_time() -> None:
    processor = in_question()
    due = processor.timers[""]
    processor.feed(request())
    processor.run_until(LATER + MINUTE)
    assert processor.published_on(CONSENT_STATUS)[-1].held == 1
    assert processor.timers[""] == due
    processor.feed(go_on(), at=LATER + HOUR)
    assert "" not in processor.timers


NEW_YORK_CASES = [
    pytest.param("2026-11-02T10:00-05:00", "2026-11-04T10:00-05:00", id="Monday"),
    pytest.param("2026-11-06T15:00-05:00", "2026-11-10T15:00-05:00", id="Friday"),
    pytest.param("2026-11-07T12:00-05:00", "2026-11-12T00:00-05:00", id="Saturday, Veterans Day"),
    pytest.param("2026-11-25T09:00-05:00", "2026-11-30T09:00-05:00", id="Thanksgiving"),
    pytest.param("2026-10-30T10:00-04:00", "2026-11-03T10:00-05:00", id="clocks go back"),
    pytest.param("2026-12-31T23:30-05:00", "2027-01-05T23:30-05:00", id="New Year"),
]


@pytest.mark.parametrize(("written", "due"), NEW_YORK_CASES)
def test_business_days(written: str, due: str) -> None:
    found = add_business_days(datetime.fromisoformat(written), 2, ZoneInfo("America/New_York"))
    assert found == datetime.fromisoformat(due)
    assert found.tzinfo is UTC
