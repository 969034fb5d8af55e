"""Few facts are never kept waiting; many come together."""

from __future__ import annotations

import pytest

from streams.kit.rest import ENOUGH, MANY, Flow, rest
from streams.room import Batching

TICK = 0.05
SHORT, CROWDED = TICK, 0.2


@pytest.mark.parametrize(("large", "waiting", "due", "seconds"), [
    pytest.param(False, 0, False, SHORT, id="few come"),
    pytest.param(True, 0, False, CROWDED, id="many come"),
    pytest.param(True, ENOUGH - 1, False, CROWDED, id="not enough are here"),
    pytest.param(True, ENOUGH, False, SHORT, id="enough are here"),
    pytest.param(True, 0, True, SHORT, id="a wake is due: a sender's pace"),
])  # fmt: skip
def test_how_long_a_lane_rests(large: bool, waiting: int, due: bool, seconds: float) -> None:
    assert rest(Batching(crowd=CROWDED), TICK, large, waiting, due) == seconds


def test_a_processor_with_a_tick_of_its_own_keeps_it_and_never_rests_shorter() -> None:
    assert rest(Batching(tick=0.1), TICK, True, 0, due=False) == 0.1
    assert rest(Batching(tick=0.3, crowd=0.2), TICK, True, 0, due=False) == 0.3


@pytest.mark.parametrize(("every", "facts", "seconds", "low", "high"), [
    pytest.param(0.05, 1, 3.0, 18, 21, id="one at a time, twenty a second"),
    pytest.param(0.05, 3, 3.0, 55, 62, id="handfuls, sixty a second"),
    pytest.param(10.0, 20, 100.0, 1, 3, id="a burst now and then is no flow"),
])  # fmt: skip
def test_the_flow_of_late(every: float, facts: int, seconds: float, low: float, high: float) -> None:
    flow, now = Flow(), 0.0
    while now < seconds:
        flow.note(now, facts)
        now += every
    assert low <= flow.rate <= high


def test_a_flow_that_ends_is_forgotten() -> None:
    flow = Flow()
    for beat in range(100):
        flow.note(beat * 0.05, 5)
    flow.note(5.0 + 3.0, 1)
    assert not flow.large


def test_a_flow_is_large_from_many_a_second_on() -> None:
    small, large = Flow(), Flow()
    for beat in range(200):
        small.note(beat * 0.1, int(MANY / 10) - 1)
        large.note(beat * 0.1, int(MANY / 10) + 1)
    assert (small.large, large.large) == (False, True)
