"""How fast a sender may send."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from schemas.topics import ATTEMPTS
from streams.dispatch.pace import BackOff, CallSpacing, TokenBucket
from streams.dispatch.provider_calls import Result, SendCall
from tests.core.dispatch.texts import answer, order, processor, reply, send_call, send_calls
from tests.core.harness import START


def test_after_k_segments_the_bucket_owes_k_over_rate() -> None:
    bucket = TokenBucket()
    bucket.advance(START)
    assert bucket.take(3, 2.0) == 0
    assert bucket.wait(1, 2.0) == 1.5
    bucket.advance(START + timedelta(seconds=1))
    assert bucket.wait(1, 2.0) == 0.5


def test_unused_pace_is_not_saved() -> None:
    bucket = TokenBucket()
    bucket.advance(START)
    bucket.advance(START + timedelta(hours=1))
    assert bucket.take(1, 1.0) == 0
    assert bucket.wait(1, 1.0) == 1


def test_a_new_owner_earns_its_first_message() -> None:
    bucket = TokenBucket.empty()
    bucket.advance(START)
    assert bucket.wait(3, 2.0) == 1.5
    bucket.advance(START + timedelta(seconds=1))
    assert bucket.take(3, 2.0) == 0.5
    assert bucket.wait(1, 2.0) == 2.0


def test_a_clock_set_back_grants_and_delays_nothing() -> None:
    bucket = TokenBucket()
    bucket.advance(START)
    bucket.take(1, 1.0)
    bucket.advance(START - timedelta(hours=1))
    assert bucket.wait(1, 1.0) == 1
    bucket.advance(START - timedelta(hours=1) + timedelta(seconds=1))
    assert bucket.wait(1, 1.0) == 0


def test_a_clock_set_forward_lets_one_message_go_early() -> None:
    bucket = TokenBucket()
    bucket.advance(START)
    bucket.take(10, 1.0)
    bucket.advance(START + timedelta(hours=1))
    assert bucket.take(10, 1.0) == 0
    assert bucket.wait(1, 1.0) == 10


def test_calls_of_one_sender_are_held_apart() -> None:
    spacing = CallSpacing()
    assert [spacing.reserve(send_call(interval=0.5), 100.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert spacing.reserve(send_call(interval=0.5, sender="+14155550000"), 100.0) == 0.0
    assert spacing.reserve(send_call(delay=0.2, interval=0.5), 200.0) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("began", "seconds"), [([0, 0, 0], [0.5, 0, 0]), ([0, 1, 2, 3, 4, 5], [0.5, 1, 2, 4, 8, 10])]
)
def test_back_off_doubles_by_round_up_to_ten_seconds(
    began: list[int], seconds: list[float]
) -> None:
    backoff = BackOff()
    assert [backoff.slow_down(round_, None) for round_ in began] == seconds


def test_a_result_from_before_the_429_does_not_end_the_pause() -> None:
    backoff = BackOff()
    backoff.slow_down(0, None)
    backoff.recover(0)
    assert backoff.slow_down(1, None) == 1
    backoff.recover(2)
    assert backoff.slow_down(2, None) == 0.5


def test_a_long_retry_after_is_cut() -> None:
    assert BackOff().slow_down(0, 1e9) == 3600


def test_one_commit_serves_the_calls_of_a_tenth_of_a_second() -> None:
    harness = processor(pace=100)
    for number in range(300):
        harness.feed(order(f"m{number}"))
    looks = 0
    while len(harness.calls) < 300:
        reply(harness, Result.ACCEPTED)
        harness.now = harness.timers["queue"]
        harness.fire("queue")
        looks += 1
    assert timedelta(seconds=2.7) < harness.now - START < timedelta(seconds=3)
    assert looks < 40


@pytest.mark.parametrize(("pace", "most"), [(0.25, 3), (1, 11), (3, 31), (100, 64)])
def test_a_kill_leaves_few_calls_of_a_slow_sender_in_doubt(pace: float, most: int) -> None:
    """The provider takes ten seconds for each call: the whole timeout."""
    harness, since, largest = processor(pace=pace), dict[SendCall, datetime](), 0
    for number in range(200):
        harness.feed(order(f"m{number}"))
    for _ in range(300):
        harness.wait(0.1)
        for call in send_calls(harness.in_flight):
            if harness.now - since.setdefault(call, harness.now) >= timedelta(seconds=10):
                harness.in_flight.remove(call)
                harness.answer(answer(call, Result.ACCEPTED))
        largest = max(largest, len(harness.in_flight))
    assert largest == most
    under_way = len(harness.in_flight)
    harness.crash()
    assert sum(one.state == "in_doubt" for one in harness.published_on(ATTEMPTS)) == under_way
