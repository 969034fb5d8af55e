"""An order comes in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.send import Priority
from schemas.topics import ATTEMPTS, DEAD_LETTERS, RETURNED
from streams.dispatch.provider_calls import Result, SendCall
from streams.processing import Settings
from tests.core.dispatch.texts import (
    ANA,
    BEN,
    CODE,
    calls_made,
    order,
    processor,
    reply,
    settings,
    states,
)
from tests.core.harness import START


def test_a_call_its_entry_and_report_are_one_step() -> None:
    harness = processor()
    step = harness.feed(order())
    assert step.calls == (SendCall("acme", "m1", 1, CODE, ANA, "text m1", 0.0, 0.01),)
    assert b'"place":"sending"' in harness.state.raw["msg/acme/m1"]
    assert states(harness) == ["1 sending"]


def test_only_a_text_that_waits_is_reported_as_queued() -> None:
    """It is one transaction: nobody can see one without the other."""
    harness = processor(pace=1)
    harness.feed(order("at-once"))
    harness.feed(order("waits"))
    harness.feed(order("overtakes", lane=Priority.REPLY, send_before=START))
    assert [states(harness, name) for name in ("at-once", "waits", "overtakes")] == [
        ["1 sending"],
        ["0 queued"],
        ["0 queued", "0 expired out_of_time"],
    ]
    harness.wait(2)
    assert states(harness, "waits") == ["0 queued", "1 sending"]


def test_an_order_that_starts_another_is_reported_queued() -> None:
    harness = processor(pace=1)
    harness.feed(order("a"))
    harness.feed(order("b"))
    harness.now += timedelta(seconds=1)
    harness.feed(order("c"))
    assert calls_made(harness) == ["a#1", "b#1"]
    assert states(harness, "c") == ["0 queued"]


def test_an_accepted_text_has_an_id_and_no_body() -> None:
    harness = processor()
    harness.feed(order(body="Your code is 4711"))
    reply(harness, Result.ACCEPTED, provider_id="SM1")
    assert states(harness) == ["1 sending", "1 accepted"]
    assert harness.published_on(ATTEMPTS)[-1].provider_id == "SM1"
    assert b"4711" not in b"".join(harness.state.raw.values())


@pytest.mark.parametrize(
    "result",
    [None, Result.ACCEPTED, Result.REFUSED, Result.LIMITED, Result.UNSENT, Result.IN_DOUBT],
)
def test_a_repeated_order_changes_nothing(
    result: Result | None,
) -> None:
    harness = processor()
    harness.feed(order())
    if result is not None:
        reply(harness, result)
    before = dict(harness.state.raw)
    step = harness.feed(order())
    assert (step.publish, step.calls, dict(harness.state.raw)) == ((), (), before)


@pytest.mark.parametrize("changed", [{"to": BEN}, {"body": "another text"}])
def test_a_reused_id_is_a_dead_letter(
    changed: dict[str, str],
) -> None:
    harness = processor()
    harness.feed(order())
    step = harness.feed(order(**changed))
    assert [letter.cause for letter in harness.published_on(DEAD_LETTERS)] == ["id_reused"]
    assert step.calls == ()
    reply(harness, Result.ACCEPTED)
    assert states(harness) == ["1 sending", "1 accepted"]


def test_a_huge_order_is_a_dead_letter() -> None:
    harness = processor()
    harness.feed(order(body="x" * 1_000_000))
    assert [letter.cause for letter in harness.published_on(DEAD_LETTERS)] == ["too_large"]
    assert harness.state.raw == {}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param(order(send_before=START), "out_of_time", id="its send_before has passed"),
        pytest.param(
            order(issued_at=START - timedelta(hours=48, seconds=1)),
            "old_order",
            id="older than 48 hours",
        ),
    ],
)
def test_a_late_order_returns_to_the_gate(given: object, code: str) -> None:
    harness = processor()
    harness.feed(given)  # type: ignore[arg-type]
    assert states(harness) == ["0 queued", f"0 expired {code}"]
    assert [returned.order for returned in harness.published_on(RETURNED)] == [given]
    assert harness.calls == []


def test_a_text_returns_when_its_send_before_passes() -> None:
    harness = processor(pace=0.1)
    harness.feed(order("m1"))
    harness.feed(order("m2", send_before=START + timedelta(seconds=5)))
    harness.wait(4.9)
    assert harness.published_on(RETURNED) == []
    harness.wait(0.2)
    assert [returned.order.message_id for returned in harness.published_on(RETURNED)] == ["m2"]
    harness.wait(60)
    assert calls_made(harness) == ["m1#1"]


def test_a_new_order_after_a_return_has_a_higher_number() -> None:
    harness = processor()
    harness.feed(order(send_before=START))
    harness.wait(60)
    again = order(issued_at=harness.now, send_before=harness.now + timedelta(hours=1))
    harness.feed(again)
    assert states(harness) == ["0 queued", "0 expired out_of_time", "1 sending"]
    harness.feed(again)
    assert calls_made(harness) == ["m1#1"]
    harness.wait(73 * 3600)
    assert "msg/acme/m1" in harness.state.raw, "still under way: not forgotten with the first order"


def test_a_repeat_of_a_returned_order_changes_nothing() -> None:
    harness = processor()
    harness.feed(order(send_before=START))
    assert harness.feed(order(send_before=START)).publish == ()
    assert len(harness.published_on(RETURNED)) == 1


def test_a_new_order_is_known_though_clocks_went_back() -> None:
    harness = processor()
    harness.feed(order(send_before=START))
    harness.feed(order(issued_at=START - timedelta(hours=1)))
    assert calls_made(harness) == ["m1#1"]


def test_a_replay_of_an_earlier_order_is_no_new_order() -> None:
    harness = processor()
    harness.feed(order(send_before=START), offset=5)
    harness.feed(order(issued_at=START + timedelta(seconds=1), send_before=START), offset=9)
    harness.feed(order(), offset=5)
    assert calls_made(harness) == []


def test_priorities_are_strict_and_then_first_issued_first() -> None:
    harness = processor(pace=1)
    harness.feed(order("now"))
    harness.feed(order("b", lane=Priority.MARKETING))
    harness.feed(order("c", lane=Priority.REMINDER, issued_at=START + timedelta(seconds=1)))
    harness.feed(order("d", lane=Priority.REMINDER))
    harness.feed(order("e", lane=Priority.REMINDER))
    harness.feed(order("f", lane=Priority.REPLY))
    harness.feed(order("g", lane=Priority.TRANSACTIONAL))
    harness.wait(10)
    assert calls_made(harness) == ["now#1", "f#1", "g#1", "d#1", "e#1", "c#1", "b#1"]


def test_a_scheduled_text_waits_and_then_joins() -> None:
    harness = processor()
    harness.feed(order("later", not_before=START + timedelta(minutes=5)))
    harness.wait(299)
    assert calls_made(harness) == []
    harness.wait(1.1)
    assert calls_made(harness) == ["later#1"]


def test_texts_of_an_unknown_sender_wait_until_it_is_known() -> None:
    harness = processor()
    harness.settings = Settings()
    harness.feed(order())
    harness.wait(25)
    assert calls_made(harness) == []
    harness.settings = settings()
    harness.wait(10)
    assert calls_made(harness) == ["m1#1"]


def test_calls_in_flight_are_bounded() -> None:
    harness = processor(pace=10_000)
    for number in range(200):
        harness.feed(order(f"m{number}"))
    harness.wait(60)
    assert len(harness.calls) == 64
    reply(harness, Result.ACCEPTED)
    harness.wait(1)
    assert len(harness.calls) == 128


def test_a_finished_message_is_forgotten_after_72_hours() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.ACCEPTED)
    harness.wait(72 * 3600 - 1)
    assert "msg/acme/m1" in harness.state.raw
    harness.wait(2)
    assert set(harness.state.raw) <= {"queue"}
    harness.feed(order())
    assert calls_made(harness) == ["m1#1"], "a repeat as old as that goes back to the gate"
    assert len(harness.published_on(RETURNED)) == 1


def test_a_new_order_may_be_encoded_smartly() -> None:
    harness = processor()
    harness.feed(order(body="It\u2019s tomorrow \u2014 at 5", send_before=START))
    assert len(harness.published_on(RETURNED)) == 1
    harness.wait(1)
    harness.feed(order(body="It's tomorrow - at 5", issued_at=harness.now))
    assert harness.published_on(DEAD_LETTERS) == []
    assert calls_made(harness) == ["m1#1"]


def test_numbers_go_on_from_another_sender() -> None:
    harness = processor()
    harness.feed(order(attempt=3))
    assert states(harness) == ["3 sending"]
    reply(harness, Result.UNSENT)
    harness.wait(600)
    assert calls_made(harness) == ["m1#3", "m1#4"]


def test_numbers_go_on_from_the_higher() -> None:
    harness = processor()
    harness.feed(
        order(send_before=START + timedelta(seconds=1), not_before=START + timedelta(seconds=5))
    )
    harness.wait(10)
    (returned,) = harness.published_on(RETURNED)
    assert (returned.code, returned.attempt) == ("out_of_time", 0)
    harness.feed(order(issued_at=harness.now, attempt=7))
    assert states(harness)[-2:] == ["0 expired out_of_time", "7 sending"]
