"""The schedule of event webhooks over three days, in virtual time."""

from __future__ import annotations

import heapq
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.event_webhooks.retry_schedule import (
    DEAD_AFTER,
    DEAD_FAILURES,
    FIRST_PAUSE,
    JITTER,
    LONGEST_PAUSE,
    PAUSES,
    RETRIES,
    choose_pause,
    is_dead,
)

CHANCES = st.lists(st.floats(0, 1), min_size=RETRIES + 1, max_size=RETRIES + 1)
DAYS = timedelta(days=1).total_seconds()


def attempts(chances: list[float], works_at: float | None = None) -> list[float]:
    """The seconds at which one delivery is tried, if the endpoint works from `works_at` on."""
    now, made = 0.0, [0.0]
    while works_at is None or now < works_at:
        pause = choose_pause(len(made), chances[len(made) - 1])
        if pause is None:
            break
        now += pause
        made.append(now)
    return made


def test_without_jitter_it_is_three_days() -> None:
    made = attempts([0.5] * (RETRIES + 1))
    assert len(made) == RETRIES + 1
    assert abs(made[-1] - 3 * DAYS) < 0.01 * DAYS


@given(CHANCES)
def test_it_ends_after_three_days_more_or_less(chances: list[float]) -> None:
    made = attempts(chances)
    assert len(made) == RETRIES + 1
    assert (1 - JITTER) * 3 * DAYS <= made[-1] <= (1 + JITTER) * 3.01 * DAYS


@given(CHANCES, st.floats(0, 2.2 * DAYS))
def test_an_endpoint_that_works_again_is_found(chances: list[float], works_at: float) -> None:
    """At the latest one longest pause after it works."""
    made = attempts(chances, works_at)
    assert works_at <= made[-1] <= works_at + LONGEST_PAUSE * (1 + JITTER)


@given(st.integers(1, RETRIES), st.floats(0, 1), st.integers(0, 10**8))
def test_a_pause_has_its_bounds(failures: int, chance: float, asked: int) -> None:
    pause = choose_pause(failures, chance, asked)
    assert pause is not None
    usual = PAUSES[failures - 1]
    assert pause >= (1 - JITTER) * usual
    assert pause <= max((1 + JITTER) * usual, min(asked, LONGEST_PAUSE)) + 1e-6
    assert pause >= min(asked, LONGEST_PAUSE)


@given(st.floats(0, 1))
def test_pauses_grow(chance: float) -> None:
    made = [choose_pause(n, chance) or 0 for n in range(1, RETRIES + 1)]
    assert made == sorted(made)
    assert made[0] >= (1 - JITTER) * FIRST_PAUSE


@given(st.lists(CHANCES, min_size=20, max_size=20))
def test_many_that_failed_at_once_are_not_back_at_once(chances: list[list[float]]) -> None:
    """Jitter spreads them as chance has it: as many moments as there are different chances."""
    first = [choose_pause(1, one[0]) for one in chances]
    assert len(set(first)) == len({FIRST_PAUSE * (0.8 + 0.4 * one[0]) for one in chances})


@given(st.integers(0, 100), st.floats(0, 10 * DAYS))
def test_an_endpoint_is_dead_after_a_day_of_failures(failures: int, seconds: float) -> None:
    dead = is_dead(failures, timedelta(seconds=seconds))
    assert dead == (failures >= DEAD_FAILURES and timedelta(seconds=seconds) >= DEAD_AFTER)


@given(CHANCES)
def test_a_dead_endpoint_is_noticed_by_one_delivery_alone(chances: list[float]) -> None:
    """Even where only one event waits, it is tried often enough to tell within 33 hours."""
    dead = [at for n, at in enumerate(attempts(chances), 1) if is_dead(n, timedelta(seconds=at))]
    assert DAYS <= dead[0] <= DAYS + LONGEST_PAUSE * (1 + JITTER)


@given(st.lists(st.floats(0, 2 * DAYS), min_size=1, max_size=30), st.floats(0, 2 * DAYS), st.data())
def test_nothing_is_lost_in_an_outage_of_two_days(
    happen_at: list[float], works_at: float, data: st.DataObject
) -> None:
    """Events of two days to an endpoint that is down until `works_at`: each arrives, none before
    it happened, and none is given up."""
    due = [(at, n, 0) for n, at in enumerate(happen_at)]
    heapq.heapify(due)
    arrived: dict[int, float] = {}
    while due:
        now, n, failures = heapq.heappop(due)
        if now >= works_at:
            arrived[n] = now
            continue
        pause = choose_pause(failures + 1, data.draw(st.floats(0, 1)))
        assert pause is not None
        heapq.heappush(due, (now + pause, n, failures + 1))
    assert set(arrived) == set(range(len(happen_at)))
    assert all(arrived[n] >= at for n, at in enumerate(happen_at))
