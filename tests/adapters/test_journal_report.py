"""The measure of pace, against the definition itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.journal_report import Arrival, largest_window_ratio


def by_definition(arrivals: list[Arrival], rate: float, shortest: float) -> float:
    ordered, largest = sorted(arrivals), 0.0
    for last, end in enumerate(ordered):
        for begin in range(last + 1):
            window = max(shortest, end.t - ordered[begin].t)
            segments = sum(one.segments for one in ordered[begin : last + 1])
            largest = max(largest, segments / (rate * window + end.segments))
    return largest


@given(
    some.lists(
        some.tuples(some.integers(0, 400).map(lambda n: n / 8), some.integers(1, 6)), max_size=25
    ),
    some.sampled_from([0.5, 1.0, 3.0, 100.0]),
    some.sampled_from([0.0, 0.5, 1.0, 20.0]),
)
def test_the_largest_of_all_windows(
    arrivals: list[tuple[float, int]], rate: float, shortest: float
) -> None:
    given = [Arrival(*one) for one in arrivals]
    assert largest_window_ratio(given, rate, shortest) == pytest.approx(
        by_definition(given, rate, shortest)
    )


def test_a_pace_that_is_kept() -> None:
    """After k segments, k/rate seconds."""
    at, arrivals = 0.0, []
    for n in range(500):
        segments = n % 4 + 1
        arrivals.append(Arrival(at, segments))
        at += segments / 3
    assert largest_window_ratio(arrivals, 3.0) == pytest.approx(1.0)
    arrivals[250] = arrivals[250]._replace(t=arrivals[249].t)
    assert largest_window_ratio(arrivals, 3.0) > 1.2


def test_nothing_arrived() -> None:
    assert largest_window_ratio([], 1.0) == 0.0
