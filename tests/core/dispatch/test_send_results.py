"""A call has a result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import SenderQueue
from tests.core.dispatch.texts import answer, calls_made, order, processor, reply, states
from tests.core.drive import START, Drive


@pytest.mark.parametrize(
    ("result", "more", "told"),
    [
        pytest.param(Result.ACCEPTED, {"provider_id": "SM1"}, ["1 accepted"], id="accepted"),
        pytest.param(Result.REFUSED, {"code": "21211"}, ["1 refused 21211"], id="refused"),
        pytest.param(Result.IN_DOUBT, {"detail": "timeout"}, ["1 in_doubt"], id="in doubt"),
    ],
)
def test_a_result_finishes_the_message(
    result: Result, more: dict[str, str], told: list[str]
) -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, result, **more)
    drive.rest(71 * 3600)
    assert states(drive)[1:] == told
    assert calls_made(drive) == ["m1#1"]


@pytest.mark.parametrize(
    ("result", "code"),
    [(Result.LIMITED, "20429"), (Result.UNSENT, None)],
)
def test_a_text_that_was_not_taken_is_retried(result: Result, code: str | None) -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, result, code=code)
    drive.rest(5)
    assert states(drive) == ["1 sending", f"1 deferred {code or 'unsent'}", "2 sending"]
    assert calls_made(drive) == ["m1#1", "m1#2"]


def test_an_in_doubt_attempt_keeps_order_and_evidence() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.IN_DOUBT, detail="HTTP 502")
    assert drive.all(ATTEMPTS)[-1].evidence == "HTTP 502"
    assert b"text m1" in drive.state.raw["msg/acme/m1"]


def test_retry_after_is_honoured() -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.LIMITED, retry_after=7.0)
    drive.rest(6.7)
    assert calls_made(drive) == ["m1#1"]
    drive.rest(0.4)
    assert calls_made(drive) == ["m1#1", "m1#2"]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -5.0, 0.0, None])
def test_without_a_usable_retry_after_it_backs_off(odd: float | None) -> None:
    drive = processor()
    drive.tell(order())
    reply(drive, Result.LIMITED, retry_after=odd)
    drive.rest(0.25)
    assert calls_made(drive) == ["m1#1"]
    drive.rest(0.3)
    assert calls_made(drive) == ["m1#1", "m1#2"]


def test_many_429s_slow_the_sender_and_it_recovers() -> None:
    drive = processor()
    drive.tell(order())
    for _ in range(60):
        reply(drive, Result.LIMITED)
        drive.rest(1)
    tries = len(drive.calls)
    assert tries < 12
    reply(drive, Result.ACCEPTED)
    assert len(drive.calls) <= tries + 1
    drive.rest(10)
    reply(drive, Result.ACCEPTED)
    drive.tell(order("m2"))
    assert calls_made(drive)[-1] == "m2#1", "no back-off is left"


def test_calls_limited_together_slow_the_sender_once() -> None:
    drive = processor(pace=10_000)
    for number in range(64):
        drive.tell(order(f"m{number}"))
    reply(drive, Result.LIMITED)
    drive.rest(0.6)
    assert len(drive.calls) > 64


def test_an_unsent_text_waits_and_others_go_on() -> None:
    drive = processor()
    drive.tell(order("bad"))
    for _ in range(5):
        reply(drive, Result.UNSENT)
        drive.rest(40)
    reply(drive, Result.UNSENT)
    drive.tell(order("good"))
    drive.rest(11)
    assert calls_made(drive)[-1] == "good#1"


def test_a_deferred_text_returns_after_its_send_before() -> None:
    drive = processor()
    drive.tell(order(send_before=START + timedelta(seconds=30)))
    reply(drive, Result.LIMITED, retry_after=60.0)
    drive.rest(31)
    assert states(drive)[-1] == "1 expired out_of_time"
    assert len(drive.all(RETURNED)) == 1


def test_a_result_counts_once_and_for_its_call() -> None:
    drive = processor()
    drive.tell(order())
    (call,) = drive.under_way
    for stray in (
        call._replace(attempt=2),
        call._replace(message_id="nobody"),
        call._replace(tenant="other"),
    ):
        assert drive.answer(answer(stray, Result.ACCEPTED)).publish == ()
    drive.answer(answer(call, Result.ACCEPTED, provider_id="SM1"))
    assert drive.answer(answer(call, Result.LIMITED)).publish == ()
    drive.rest(60)
    assert states(drive) == ["1 sending", "1 accepted"]


def test_a_new_owner_doubts_what_it_finds_sending() -> None:
    drive = processor()
    drive.tell(order("m1"))
    drive.tell(order("m2", not_before=START + timedelta(seconds=10)))
    drive.crash()
    assert states(drive, "m1") == ["1 sending", "1 in_doubt"]
    assert drive.all(ATTEMPTS)[-1].evidence == "a new owner found it in state sending"
    drive.rest(100)
    assert calls_made(drive) == ["m1#1", "m2#1"], "the queue goes on"


def test_a_new_owner_calls_only_after_partition_acquired() -> None:
    drive = processor(pace=0.5)
    drive.tell(order("m1"))
    drive.tell(order("m2"))
    waiting = Drive(
        drive.process,
        drive.on_timer,
        drive.state.entity_key,
        drive.settings,
        raw=dict(drive.state.raw),
    )
    waiting.now = START + timedelta(minutes=5)
    waiting.tell(order("m3"), offset=9)
    waiting.timers["queue"] = waiting.now = waiting.now + timedelta(minutes=5)
    waiting.fire("queue")
    assert waiting.calls == []
    waiting.open()
    waiting.rest(10)
    assert calls_made(waiting) == ["m2#1", "m3#1"]


def test_an_unsettled_attempt_is_forgotten() -> None:
    """Entry, text and index: otherwise each timeout of the provider would be kept for ever."""
    drive = processor()
    drive.tell(order())
    reply(drive, Result.IN_DOUBT)
    drive.rest(71 * 3600)
    assert "msg/acme/m1" in drive.state.raw
    drive.rest(2 * 3600)
    assert "msg/acme/m1" not in drive.state.raw
    assert (
        SenderQueue.build(drive.state).by_number
        == drive.state.cache(SenderQueue.build).by_number
        == {}
    )
    drive.tell(order())
    assert calls_made(drive) == ["m1#1"], "a repeat of the old order is handed back, not sent"
