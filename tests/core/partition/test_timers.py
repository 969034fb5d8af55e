"""Wakes: never early, once each, and no heap that grows with every move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from streams.partition.queues import HEAP_SLACK, TimerQueue

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def test_a_part_of_a_millisecond_counts_as_a_whole_one() -> None:
    timers = TimerQueue()
    timers.set(b"k", NOW + timedelta(microseconds=1))
    assert timers.pop_due(NOW.timestamp(), 10) == []
    assert timers.pop_due((NOW + timedelta(milliseconds=1)).timestamp(), 10) == [b"k"]
    assert timers.pop_due((NOW + timedelta(days=1)).timestamp(), 10) == []


@given(st.integers(10**12, 3 * 10**12))
def test_a_timer_is_taken_at_the_second_that_it_names(ms: int) -> None:
    timers = TimerQueue()
    timers.restore({b"k": ms})
    assert timers.pop_due(timers.next(), 10) == [b"k"]


def test_a_timer_that_moves_for_ever_costs_one_place() -> None:
    timers = TimerQueue()
    for n in range(10 * HEAP_SLACK):
        timers.set(b"k", NOW + timedelta(seconds=n))
    assert len(timers._heap) <= 2 + HEAP_SLACK
    assert timers.pop_due((NOW + timedelta(days=1)).timestamp(), 10) == [b"k"]


moves = st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 50) | st.none()))


@given(moves, st.integers(0, 60))
def test_what_is_taken_is_what_was_last_set(
    made: list[tuple[bytes, int | None]], until: int
) -> None:
    timers, model = TimerQueue(), dict[bytes, int]()
    for key, at in made:
        if at is None:
            timers.drop(key)
            model.pop(key, None)
        else:
            timers.set(key, NOW + timedelta(seconds=at))
            model[key] = at
    assert sorted(timers.pop_due((NOW + timedelta(seconds=until)).timestamp(), 99)) == sorted(
        k for k, at in model.items() if at <= until
    )
