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
from tests.core.drive import START


def test_a_call_its_entry_and_report_are_one_step() -> None:
    drive = processor()
    step = drive.tell(order())
    assert step.calls == (SendCall("acme", "m1", 1, CODE, ANA, "text m1", 0.0, 0.01),)
    assert b'"place":"sending"' in drive.state.raw["msg/acme/m1"]
    assert states(drive) == ["1 sending"]


def test_only_a_text_that_waits_is_reported_as_queued() -> None:
    """It is one transaction: nobody can see one without the other."""
    drive = processor(pace=1)
    drive.tell(order("at-once"))
    drive.tell(order("waits"))
    drive.tell(order("overtakes", lane=Priority.REPLY, send_before=START))
    assert [states(drive, name) for name in ("at-once", "waits", "overtakes")] == [
        ["1 sending"],
        ["0 queued"],
        ["0 queued", "0 expired out_of_time"],
    ]
    drive.rest(2)
    assert states(drive, "waits") == ["0 queued", "1 sending"]


def test_an_order_that_starts_another_is_reported_queued() -> None:
    drive = processor(pace=1)
    drive.tell(order("a"))
    drive.tell(order("b"))
    drive.now += timedelta(seconds=1)
    drive.tell(order("c"))
    assert calls_made(drive) == ["a#1", "b#1"]
    assert states(drive, "c") == ["0 queued"]


def test_an_accepted_text_has_an_id_and_no_body() -> None:
    drive = processor()
    drive.tell(order(body="Your code is 4711"))
    reply(drive, Result.ACCEPTED, provider_id="SM1")
    assert states(drive) == ["1 sending", "1 accepted"]
    assert drive.all(ATTEMPTS)[-1].provider_id == "SM1"
    assert b"4711" not in b"".join(drive.state.raw.values())


@pytest.mark.parametrize(
    "result",
    [None, Result.ACCEPTED, Result.REFUSED, Result.LIMITED, Result.UNSENT, Result.IN_DOUBT],
)
def test_a_repeated_order_changes_nothing(
    result: Result | None,
) -> None:
    drive = processor()
    drive.tell(order())
    if result is not None:
        reply(drive, result)
    before = dict(drive.state.raw)
    step = drive.tell(order())
    assert (step.publish, step.calls, dict(drive.state.raw)) == ((), (), before)


@pytest.mark.parametrize("changed", [{"to": BEN}, {"body": "another text"}])
def test_a_reused_id_is_a_dead_letter(
    changed: dict[str, str],
) -> None:
    drive = processor()
    drive.tell(order())
    step = drive.tell(order(**changed))
    assert [letter.cause for letter in drive.all(DEAD_LETTERS)] == ["id_reused"]
    assert step.calls == ()
    reply(drive, Result.ACCEPTED)
    assert states(drive) == ["1 sending", "1 accepted"]


def test_a_huge_order_is_a_dead_letter() -> None:
    drive = processor()
    drive.tell(order(body="x" * 1_000_000))
    assert [letter.cause for letter in drive.all(DEAD_LETTERS)] == ["too_large"]
    assert drive.state.raw == {}


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
    drive = processor()
    drive.tell(given)  # type: ignore[arg-type]
    assert states(drive) == ["0 queued", f"0 expired {code}"]
    assert [returned.order for returned in drive.all(RETURNED)] == [given]
    assert drive.calls == []


def test_a_text_returns_when_its_send_before_passes() -> None:
    drive = processor(pace=0.1)
    drive.tell(order("m1"))
    drive.tell(order("m2", send_before=START + timedelta(seconds=5)))
    drive.rest(4.9)
    assert drive.all(RETURNED) == []
    drive.rest(0.2)
    assert [returned.order.message_id for returned in drive.all(RETURNED)] == ["m2"]
    drive.rest(60)
    assert calls_made(drive) == ["m1#1"]


def test_a_new_order_after_a_return_has_a_higher_number() -> None:
    drive = processor()
    drive.tell(order(send_before=START))
    drive.rest(60)
    again = order(issued_at=drive.now, send_before=drive.now + timedelta(hours=1))
    drive.tell(again)
    assert states(drive) == ["0 queued", "0 expired out_of_time", "1 sending"]
    drive.tell(again)
    assert calls_made(drive) == ["m1#1"]
    drive.rest(73 * 3600)
    assert "msg/acme/m1" in drive.state.raw, "still under way: not forgotten with the first order"


def test_a_repeat_of_a_returned_order_changes_nothing() -> None:
    drive = processor()
    drive.tell(order(send_before=START))
    assert drive.tell(order(send_before=START)).publish == ()
    assert len(drive.all(RETURNED)) == 1


def test_a_new_order_is_known_though_clocks_went_back() -> None:
    drive = processor()
    drive.tell(order(send_before=START))
    drive.tell(order(issued_at=START - timedelta(hours=1)))
    assert calls_made(drive) == ["m1#1"]


def test_a_replay_of_an_earlier_order_is_no_new_order() -> None:
    drive = processor()
    drive.tell(order(send_before=START), offset=5)
    drive.tell(order(issued_at=START + timedelta(seconds=1), send_before=START), offset=9)
    drive.tell(order(), offset=5)
    assert calls_made(drive) == []


def test_priorities_are_strict_and_then_first_issued_first() -> None:
    drive = processor(pace=1)
    drive.tell(order("now"))
    drive.tell(order("b", lane=Priority.MARKETING))
    drive.tell(order("c", lane=Priority.REMINDER, issued_at=START + timedelta(seconds=1)))
    drive.tell(order("d", lane=Priority.REMINDER))
    drive.tell(order("e", lane=Priority.REMINDER))
    drive.tell(order("f", lane=Priority.REPLY))
    drive.tell(order("g", lane=Priority.TRANSACTIONAL))
    drive.rest(10)
    assert calls_made(drive) == ["now#1", "f#1", "g#1", "d#1", "e#1", "c#1", "b#1"]


def test_a_scheduled_text_waits_and_then_joins() -> None:
    drive = processor()
    drive.tell(order("later", not_before=START + timedelta(minutes=5)))
    drive.rest(299)
    assert calls_made(drive) == []
    drive.rest(1.1)
    assert calls_made(drive) == ["later#1"]


def test_texts_of_an_unknown_sender_wait_until_it_is_known() -> None:
    drive = processor()
    drive.settings = Settings()
    drive.tell(order())
    drive.rest(25)
    assert calls_made(drive) == []
    drive.settings = settings()
    drive.rest(10)
    assert calls_made(drive) == ["m1#1"]


def test_calls_in_flight_are_bounded() -> None:
    drive = processor(pace=10_000)
    for number in range(200):
        drive.tell(order(f"m{number}"))
    drive.rest(60)
    assert len(drive.calls) == 64
    reply(drive, Result.ACCEPTED)
    drive.rest(1)
    assert len(drive.calls) == 128


def test_a_finished_message_is_forgotten_after_72_hours() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.ACCEPTED)
    drive.rest(72 * 3600 - 1)
    assert "msg/acme/m1" in drive.state.raw
    drive.rest(2)
    assert set(drive.state.raw) <= {"queue"}
    drive.tell(order())
    assert calls_made(drive) == ["m1#1"], "a repeat as old as that goes back to the gate"
    assert len(drive.all(RETURNED)) == 1


def test_a_new_order_may_be_encoded_smartly() -> None:
    drive = processor()
    drive.tell(order(body="It\u2019s tomorrow \u2014 at 5", send_before=START))
    assert len(drive.all(RETURNED)) == 1
    drive.rest(1)
    drive.tell(order(body="It's tomorrow - at 5", issued_at=drive.now))
    assert drive.all(DEAD_LETTERS) == []
    assert calls_made(drive) == ["m1#1"]


def test_numbers_go_on_from_another_sender() -> None:
    drive = processor()
    drive.tell(order(attempt=3))
    assert states(drive) == ["3 sending"]
    reply(drive, Result.UNSENT)
    drive.rest(600)
    assert calls_made(drive) == ["m1#3", "m1#4"]


def test_numbers_go_on_from_the_higher() -> None:
    drive = processor()
    drive.tell(
        order(send_before=START + timedelta(seconds=1), not_before=START + timedelta(seconds=5))
    )
    drive.rest(10)
    (returned,) = drive.all(RETURNED)
    assert (returned.code, returned.attempt) == ("out_of_time", 0)
    drive.tell(order(issued_at=drive.now, attempt=7))
    assert states(drive)[-2:] == ["0 expired out_of_time", "7 sending"]
