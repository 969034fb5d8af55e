"""An opt-in request that came back for want of room in the tenant's budget."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.consent import ConsentState
from schemas.decision import Decision, Finding, Verdict
from schemas.send import Returned
from schemas.topics import DECISIONS
from streams.gate.actions import OPT_IN_REQUEST_LIFE
from streams.gate.rules.consent import check_opt_in_budget
from streams.gate.state import OptInRequests, OptInStatus
from tests.core.gate.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    ask,
    ask_failed,
    context,
    decided,
    opt_in,
    opt_out,
    reply,
    request,
)
from tests.core.gate.test_opt_in_requests import answers, asked_once, asks, status
from tests.core.harness import ProcessorHarness, on_topic

ROOM = NOON + HOUR


def turned_away(until: datetime = ROOM, **policy: Any) -> ProcessorHarness:
    processor = asked_once(**policy)
    come_back(processor, until)
    return processor


def come_back(processor: ProcessorHarness, until: datetime | None) -> None:
    processor.feed(
        Returned(order=asks(processor)[-1], reason="no room", at=processor.now, until=until)
    )


def last(processor: ProcessorHarness, kind: str) -> Decision:
    decisions: list[Decision] = [
        one for one in processor.published_on(DECISIONS) if one.kind == kind
    ]
    return decisions[-1]


def test_it_waits_for_the_budget_and_is_issued_again() -> None:
    processor = turned_away()
    held = last(processor, "consent_ask")
    assert (held.verdict, held.until, held.findings) == (
        Verdict.HOLD,
        ROOM,
        (
            Finding(
                rule="ask_budget",
                verdict=Verdict.HOLD,
                reason="This hour's opt-in requests are used up",
                next_step="raise asks_per_hour, or wait: it is sent at that time",
                until=ROOM,
            ),
        ),
    )
    processor.run_until(ROOM - SECOND)
    assert len(asks(processor)) == 1
    processor.run_until(ROOM)
    one, other = asks(processor)
    assert (one.message_id, other.issued_at) == (other.message_id, ROOM)
    assert [found.rule for found in last(processor, "consent_ask").findings] == ["ready"]


def test_the_24_hours_count_from_the_order_that_stays_out() -> None:
    processor = turned_away()
    told = status(processor)
    assert (told.state, told.asked_at, told.ask_again_at) == (ConsentState.NONE, None, None)
    processor.run_until(ROOM + MINUTE)
    told = status(processor)
    assert (told.state, told.asked_at, told.ask_again_at) == (
        ConsentState.PENDING,
        ROOM,
        ROOM + DAY,
    )


def test_waiting_texts_say_when_the_request_goes_out() -> None:
    processor = turned_away()
    (found,) = last(processor, "reminder").findings
    assert (found.rule, found.verdict, f"{found.reason}: {found.next_step}") == (
        "not_opted_in",
        Verdict.HOLD,
        "The recipient hasn't opted in yet: wait: this hour's opt-in requests are used up; they are asked by text from "
        "2026-11-21 13:00 EST",
    )
    told = processor.publish_from(request(message_id="b"))
    assert decided(told) == [("b", "hold", ["not_opted_in"])]
    assert on_topic(DECISIONS, told)[0].findings == (found,)
    processor.run_until(ROOM + SECOND)
    assert "used up" not in last(processor, "reminder").findings[0].next_step
    assert last(processor, "reminder").until is None


def test_it_may_be_turned_away_again_and_again() -> None:
    processor = turned_away()
    for hour in range(1, 6):
        processor.run_until(NOON + hour * HOUR)
        come_back(processor, NOON + (hour + 1) * HOUR)
        assert (len(asks(processor)), status(processor).state) == (hour + 1, ConsentState.NONE)
    processor.run_until(NOON + 6 * HOUR)
    assert len({order.message_id for order in asks(processor)}) == 1
    assert status(processor).asked_at == NOON + 6 * HOUR


def test_what_is_held_and_a_crash_of_dispatch_do_not_make_it_two() -> None:
    """The same order handed back twice, and texts that come while it waits."""
    processor = asked_once()
    order = asks(processor)[0]
    for _ in range(2):
        processor.feed(Returned(order=order, reason="no room", at=processor.now, until=ROOM))
        processor.feed(request())
    processor.feed(opt_in(source="web_form"))
    processor.run_until(ROOM + MINUTE)
    processor.feed(Returned(order=order, reason="no room", at=processor.now, until=ROOM + DAY))
    assert [one.issued_at for one in asks(processor)] == [NOON, ROOM]
    assert status(processor).state is ConsentState.PENDING


def test_staff_hear_that_it_is_on_its_way() -> None:
    processor = turned_away()
    processor.feed(ask())
    assert answers(processor)[-1] == ("manual", False, "a request to opt in is on its way already")


@pytest.mark.parametrize(
    ("said", "verdict", "text"),
    [
        pytest.param(
            reply("START"), Verdict.CANCEL, Verdict.SEND, id="they text START by themselves"
        ),
        pytest.param(opt_in(), Verdict.CANCEL, Verdict.SEND, id="they opt in by a form"),
        pytest.param(opt_out(), Verdict.REJECT, Verdict.REJECT, id="they opt out"),
        pytest.param(reply("yes"), Verdict.HOLD, Verdict.HOLD, id="a yes to what was never asked"),
    ],
)
def test_what_they_say_meanwhile_counts(said: Any, verdict: Verdict, text: Verdict) -> None:
    processor = turned_away()
    processor.feed(said, at=NOON + MINUTE)
    assert (last(processor, "consent_ask").verdict, last(processor, "reminder").verdict) == (
        verdict,
        text,
    )
    if verdict is not Verdict.HOLD:
        processor.run_until(ROOM + DAY)
        assert len(asks(processor)) == 1


def test_a_refused_second_request_leaves_the_first_alone() -> None:
    """It was asked a day ago: a YES still answers that."""
    processor = asked_once()
    processor.run_until(NOON + DAY)
    processor.feed(ask())
    come_back(processor, NOON + DAY + HOUR)
    assert (status(processor).state, status(processor).asked_at) == (ConsentState.PENDING, NOON)
    assert decided(processor.publish_from(reply("yes"), at=NOON + DAY + MINUTE))[-1] == (
        "a",
        "send",
        ["ready"],
    )


def test_the_night_still_counts() -> None:
    processor = asked_once(when={"quiet_hours": {"before": "08:00", "after": "12:30"}})
    assert len(asks(processor)) == 1, "it is 09:00 in California"
    come_back(processor, NOON + 5 * HOUR)
    processor.run_until(NOON + 6 * HOUR)
    assert last(processor, "consent_ask").findings[0].rule == "quiet_hours"
    processor.run_until(NOON + DAY)
    assert len(asks(processor)) == 2


def test_one_that_only_came_too_late_does_not_wait_for_room() -> None:
    processor = asked_once()
    processor.run_until(NOON + OPT_IN_REQUEST_LIFE)
    come_back(processor, None)
    assert len(asks(processor)) == 2
    processor.feed(ask_failed(message_id=asks(processor)[0].message_id))
    assert status(processor).state is ConsentState.NONE


@pytest.mark.parametrize("kind", ["reminder", "consent_ask"])
def test_a_text_of_a_producer_never_waits_for_it(kind: str) -> None:
    assert (
        check_opt_in_budget(
            context(
                kind=kind,
                known={"opt_in": OptInRequests(count=1, last=OptInStatus.WAITING, wait_until=ROOM)},
            )
        )
        is None
    )


def test_an_earlier_request_returned_later_is_replaced() -> None:
    """Dispatch stood still for a day: both together would be two in a day."""
    processor = asked_once()
    first = asks(processor)[0]
    processor.run_until(NOON + DAY)
    processor.feed(ask())
    processor.feed(Returned(order=first, reason="late", at=processor.now))
    assert (len(asks(processor)), last(processor, "consent_ask").findings[0].rule) == (
        2,
        "replaced",
    )
    assert (status(processor).state, status(processor).asked_at) == (
        ConsentState.PENDING,
        NOON + DAY,
    )
    processor.feed(ask_failed(message_id=asks(processor)[1].message_id))
    assert status(processor).state is ConsentState.NONE, "neither has reached them"
