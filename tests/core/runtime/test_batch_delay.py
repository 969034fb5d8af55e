"""Few facts are never kept waiting; many come together."""

from __future__ import annotations

import pytest

from streams.processor import Batching
from streams.runtime.timing import ENOUGH, HIGH_RATE, ArrivalRate, batch_delay

TICK = 0.05
SHORT, CROWDED = TICK, 0.2


@pytest.mark.parametrize(
    ("large", "waiting", "due", "seconds"),
    [
        pytest.param(False, 0, False, SHORT, id="few come"),
        pytest.param(True, 0, False, CROWDED, id="many come"),
        pytest.param(True, ENOUGH - 1, False, CROWDED, id="not enough are here"),
        pytest.param(True, ENOUGH, False, SHORT, id="enough are here"),
        pytest.param(True, 0, True, SHORT, id="a wake is due: a sender's pace"),
    ],
)
def test_how_long_records_gather(large: bool, waiting: int, due: bool, seconds: float) -> None:
    assert batch_delay(Batching(busy_tick=CROWDED), TICK, large, waiting, due) == seconds


def test_a_processor_keeps_its_own_tick_as_the_least() -> None:
    assert batch_delay(Batching(tick=0.1), TICK, True, 0, is_due=False) == 0.1
    assert batch_delay(Batching(tick=0.3, busy_tick=0.2), TICK, True, 0, is_due=False) == 0.3


@pytest.mark.parametrize(
    ("every", "records", "large"),
    [
        pytest.param(0.075, 1, False, id="one at a time"),
        pytest.param(0.05, 1, False, id="one in each tick, twenty a second"),
        pytest.param(0.05, 3, True, id="handfuls, sixty a second"),
        pytest.param(0.3, 15, True, id="as many, once they come together"),
        pytest.param(10.0, 20, False, id="a burst now and then"),
    ],
)
def test_what_is_a_large_flow(every: float, records: int, large: bool) -> None:
    flow = ArrivalRate()
    for beat in range(100):
        flow.note(beat * every, records)
    assert flow.is_high(99 * every) is large


def test_a_record_alone_after_a_flood_does_not_wait_long() -> None:
    flow = ArrivalRate()
    for beat in range(100):
        flow.note(beat * 0.01, 400)
    assert flow.is_high(1.0)
    assert not flow.is_high(2.0), "the first one, whom nobody has counted yet"
    flow.note(1.1, 1)
    assert not flow.is_high(1.1)


def test_a_flow_is_large_from_many_a_second_on() -> None:
    small, large = ArrivalRate(), ArrivalRate()
    for beat in range(200):
        small.note(beat * 0.1, int(HIGH_RATE / 10) - 1)
        large.note(beat * 0.1, int(HIGH_RATE / 10) + 1)
    assert (small.is_high(20.0), large.is_high(20.0)) == (False, True)
