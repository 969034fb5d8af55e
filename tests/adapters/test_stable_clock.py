"""A worker's clock ignores a short step of the machine's clock, and ends the worker at a lasting
one."""

from __future__ import annotations

import re

import pytest

from services.workers.stable_clock import BELIEVED_AFTER, ClockStepped, StableClock


class Machine:
    """`off`: seconds by which its clock was set."""

    def __init__(self) -> None:
        self.passed, self.off = 0.0, 0.0

    def steady(self) -> StableClock:
        return StableClock(lambda: 1_000_000 + self.passed + self.off, lambda: self.passed)


@pytest.mark.parametrize("hour", [3600, -3600])
def test_a_short_step_is_not_followed(hour: int) -> None:
    machine = Machine()
    clock = machine.steady()
    for off in (0, hour, 0, hour, 0):
        machine.off = off
        for _ in range(5):
            machine.passed += BELIEVED_AFTER / 6
            assert clock() == pytest.approx(1_000_000 + machine.passed)


@pytest.mark.parametrize("hour", [3600, -3600])
def test_a_lasting_step_ends_the_worker(hour: int) -> None:
    machine = Machine()
    clock = machine.steady()
    machine.off = hour
    clock()
    machine.passed += BELIEVED_AFTER + 1
    with pytest.raises(ClockStepped, match=re.escape(f"{hour:+d} s")):
        clock()
    assert machine.steady()() == pytest.approx(1_000_000 + machine.passed + hour)


def test_small_corrections_are_followed() -> None:
    machine = Machine()
    clock = machine.steady()
    for _ in range(100):
        machine.passed += 60
        machine.off += 0.9
        assert clock() == pytest.approx(1_000_000 + machine.passed + machine.off)


def test_waking_from_sleep_is_no_step() -> None:
    machine = Machine()
    clock = machine.steady()
    machine.passed += 86_400
    assert clock() == pytest.approx(1_000_000 + machine.passed)
