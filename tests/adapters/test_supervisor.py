"""How long a supervisor waits before it starts a process again."""

from __future__ import annotations

import pytest

from services.local.supervisor import HEALED_IN, LONGEST_PAUSE, shorten_pause


@pytest.mark.parametrize(
    ("pause", "ready_seconds", "shortened"),
    [
        pytest.param(4.0, 0.0, 4.0, id="it never was ready: the pause goes on growing"),
        pytest.param(LONGEST_PAUSE, HEALED_IN, 1.0, id="a healthy minute forgets the longest"),
        pytest.param(2.0, 3600.0, 1.0, id="never less than the first"),
    ],
)
def test_the_pause_forgets_after_a_healthy_minute(
    pause: float, ready_seconds: float, shortened: float
) -> None:
    assert shorten_pause(pause, ready_seconds) == pytest.approx(shortened)


def test_a_fault_every_half_minute_lets_no_pause_grow() -> None:
    """As brokers that are killed one after the other."""
    pause = 1.0
    for _ in range(20):
        pause = min(2 * shorten_pause(pause, 28.0), LONGEST_PAUSE)
    assert pause < 3
