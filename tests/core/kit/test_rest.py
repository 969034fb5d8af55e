"""Few facts are never kept waiting; many come together."""

from __future__ import annotations

import pytest

from streams.kit.rest import CROWD, ENOUGH, Flow, rest
from streams.room import Batching

TICK = 0.05
SHORT, CROWDED = TICK, 0.2
BUSY = CROWD / CROWDED


@pytest.mark.parametrize(("rate", "waiting", "due", "seconds"), [
    pytest.param(0.0, 0, False, SHORT, id="nothing comes"),
    pytest.param(BUSY - 1, 0, False, SHORT, id="too few would share it"),
    pytest.param(BUSY, 0, False, CROWDED, id="many come"),
    pytest.param(BUSY, ENOUGH - 1, False, CROWDED, id="not enough are here"),
    pytest.param(BUSY, ENOUGH, False, SHORT, id="enough are here"),
    pytest.param(BUSY, 0, True, SHORT, id="a wake is due: a sender's pace"),
])  # fmt: skip
def test_how_long_a_lane_rests(rate: float, waiting: int, due: bool, seconds: float) -> None:
    assert rest(Batching(crowd=CROWDED), TICK, rate, waiting, due) == seconds


def test_a_processor_with_a_tick_of_its_own_keeps_it_and_never_rests_shorter() -> None:
    assert rest(Batching(tick=0.1), TICK, 1000.0, 0, due=False) == 0.1
    assert rest(Batching(tick=0.3, crowd=0.2), TICK, 1000.0, 0, due=False) == 0.3


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
    assert flow.rate < 6
