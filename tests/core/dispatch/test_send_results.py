"""A call has a result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.topics import ATTEMPTS, RETURNED
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import SenderQueue
from streams.processing import StateStore
from tests.core.dispatch.texts import (
    answer,
    calls_made,
    last,
    order,
    processor,
    reply,
    send_call,
    send_calls,
    states,
)
from tests.core.harness import START, ProcessorHarness


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
    harness = processor()
    harness.feed(order())
    reply(harness, result, **more)
    harness.wait(71 * 3600)
    assert states(harness)[1:] == told
    assert calls_made(harness) == ["m1#1"]


@pytest.mark.parametrize(
    ("result", "code"),
    [(Result.LIMITED, "20429"), (Result.UNSENT, None)],
)
def test_a_text_that_was_not_taken_is_retried(result: Result, code: str | None) -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, result, code=code)
    harness.wait(5)
    assert states(harness) == ["1 sending", f"1 deferred {code or 'unsent'}", "2 sending"]
    assert calls_made(harness) == ["m1#1", "m1#2"]


def test_an_in_doubt_attempt_keeps_order_and_evidence() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.IN_DOUBT, detail="HTTP 502")
    assert harness.published_on(ATTEMPTS)[-1].evidence == "HTTP 502"
    assert b"text m1" in harness.state.raw["msg/acme/m1"]


def test_retry_after_is_honoured() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.LIMITED, retry_after=7.0)
    harness.wait(6.7)
    assert calls_made(harness) == ["m1#1"]
    harness.wait(0.4)
    assert calls_made(harness) == ["m1#1", "m1#2"]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -5.0, 0.0, None])
def test_without_a_usable_retry_after_it_backs_off(odd: float | None) -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.LIMITED, retry_after=odd)
    harness.wait(0.25)
    assert calls_made(harness) == ["m1#1"]
    harness.wait(0.3)
    assert calls_made(harness) == ["m1#1", "m1#2"]


def test_many_429s_slow_the_sender_and_it_recovers() -> None:
    harness = processor()
    harness.feed(order())
    for _ in range(60):
        reply(harness, Result.LIMITED)
        harness.wait(1)
    tries = len(harness.calls)
    assert tries < 12
    reply(harness, Result.ACCEPTED)
    assert len(harness.calls) <= tries + 1
    harness.wait(10)
    reply(harness, Result.ACCEPTED)
    harness.feed(order("m2"))
    assert calls_made(harness)[-1] == "m2#1", "no back-off is left"


def test_calls_limited_together_slow_the_sender_once() -> None:
    harness = processor(pace=10_000)
    for number in range(64):
        harness.feed(order(f"m{number}"))
    reply(harness, Result.LIMITED)
    harness.wait(0.6)
    assert len(harness.calls) > 64


def test_an_unsent_text_waits_and_others_go_on() -> None:
    harness = processor()
    harness.feed(order("bad"))
    for _ in range(5):
        reply(harness, Result.UNSENT)
        harness.wait(40)
    reply(harness, Result.UNSENT)
    harness.feed(order("good"))
    harness.wait(11)
    assert calls_made(harness)[-1] == "good#1"


def test_a_deferred_text_returns_after_its_send_before() -> None:
    harness = processor()
    harness.feed(order(send_before=START + timedelta(seconds=30)))
    reply(harness, Result.LIMITED, retry_after=60.0)
    harness.wait(31)
    assert states(harness)[-1] == "1 expired out_of_time"
    assert len(harness.published_on(RETURNED)) == 1


def test_a_result_counts_once_and_for_its_call() -> None:
    harness = processor()
    harness.feed(order())
    (call,) = harness.in_flight
    for stray in (
        call._replace(attempt=2),
        call._replace(message_id="nobody"),
        call._replace(tenant="other"),
    ):
        assert harness.answer(answer(stray, Result.ACCEPTED)).publish == ()
    harness.answer(answer(call, Result.ACCEPTED, provider_id="SM1"))
    assert harness.answer(answer(call, Result.LIMITED)).publish == ()
    harness.wait(60)
    assert states(harness) == ["1 sending", "1 accepted"]


def test_a_new_owner_doubts_what_it_finds_sending() -> None:
    harness = processor()
    harness.feed(order("m1"))
    harness.feed(order("m2", not_before=START + timedelta(seconds=10)))
    harness.crash()
    assert states(harness, "m1") == ["1 sending", "1 in_doubt"]
    assert harness.published_on(ATTEMPTS)[-1].evidence == "a new owner found it in state sending"
    harness.wait(100)
    assert calls_made(harness) == ["m1#1", "m2#1"], "the queue goes on"


def test_a_new_owner_calls_only_after_partition_acquired() -> None:
    harness = processor(pace=0.5)
    harness.feed(order("m1"))
    harness.feed(order("m2"))
    waiting = ProcessorHarness(
        harness.process,
        harness.on_timer,
        harness.state.entity_key,
        harness.settings,
        raw=dict(harness.state.raw),
    )
    waiting.now = START + timedelta(minutes=5)
    waiting.feed(order("m3"), offset=9)
    waiting.timers["queue"] = waiting.now = waiting.now + timedelta(minutes=5)
    waiting.fire("queue")
    assert waiting.calls == []
    waiting.acquire()
    waiting.wait(10)
    assert calls_made(waiting) == ["m2#1", "m3#1"]


def test_an_unsettled_attempt_is_forgotten() -> None:
    """Entry, text and index: otherwise each timeout of the provider would be kept for ever."""
    harness = processor()
    harness.feed(order())
    reply(harness, Result.IN_DOUBT)
    harness.wait(71 * 3600)
    assert "msg/acme/m1" in harness.state.raw
    harness.wait(2 * 3600)
    assert "msg/acme/m1" not in harness.state.raw
    assert (
        SenderQueue.build(harness.state).by_number
        == harness.state.cache(SenderQueue.build).by_number
        == {}
    )
    harness.feed(order())
    assert calls_made(harness) == ["m1#1"], "a repeat of the old order is handed back, not sent"


# --- a result that comes to light after its owner is gone


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Result.ACCEPTED, "1 accepted"),
        (Result.REFUSED, "1 refused refused"),
        (Result.UNSENT, "1 deferred unsent"),
        (Result.IN_DOUBT, "1 in_doubt"),
    ],
)
def test_a_result_before_the_take_over_counts(result: Result, told: str) -> None:
    """A partition that is opened again in its process takes the results of its calls first."""
    harness = processor()
    harness.feed(order())
    (call,) = send_calls(harness.in_flight)
    harness.state = StateStore(harness.state.entity_key, dict(harness.state.raw))
    harness.in_flight.clear()
    harness.answer(answer(call, result))
    harness.acquire()
    assert states(harness) == ["1 sending", told]


def test_a_result_after_the_take_over_is_too_late() -> None:
    harness = processor()
    harness.feed(order())
    (call,) = send_calls(harness.in_flight)
    harness.crash()
    harness.answer(answer(call, Result.ACCEPTED))
    assert last(harness) == "1 in_doubt"


def test_a_result_of_a_call_that_is_not_on_record_changes_nothing() -> None:
    """The transaction that was to say `sending` did not become durable."""
    harness = processor(pace=0.001)
    harness.feed(order("m0"))
    reply(harness, Result.ACCEPTED)
    harness.feed(order("m"))
    before = dict(harness.state.raw)
    harness.answer(answer(send_call(), Result.UNSENT))
    assert states(harness, "m") == ["0 queued"]
    assert harness.state.raw == before
