"""A ledger that follows, one that stands still, and one that is only slow."""

from __future__ import annotations

import pytest

from services.ledger.projection import Partition
from services.observability.following import Following
from services.observability.lag.report import report
from services.observability.lag.sample import Place as Read
from services.observability.lag.sample import Sample, Stand

TOPIC = "sms.outcomes"


def stands(*looks: tuple[int | None, int], start: int = 0) -> list[float]:
    """What is said of each look, ten seconds apart: where the ledger is, and where the topic ends."""
    following, said = Following(), []
    for number, (reached, end) in enumerate(looks):
        found = report([Sample(0.0, {Read("sayso.usage", TOPIC, 0): Stand(end, start, end)}, {})])
        positions = {} if reached is None else {Partition(TOPIC, 0): reached}
        said.append(following.stands(positions, found, 1000.0 + 10 * number))
    return said


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        pytest.param([(5, 5), (5, 5), (5, 5)], [0, 0, 0], id="nothing to read"),
        pytest.param([(5, 6), (6, 9), (9, 12)], [0, 0, 0], id="it follows, always a little behind"),
        pytest.param([(5, 5), (5, 6), (5, 7), (5, 7)], [0, 10, 20, 30], id="it stands"),
        pytest.param([(5, 6), (5, 7), (7, 8), (8, 8), (8, 8)], [0, 10, 0, 0, 0], id="it goes on"),
        pytest.param([(None, 3), (None, 3)], [0, 10], id="it has never read anything"),
    ],
)
def test_stands(looks: list[tuple[int | None, int]], said: list[float]) -> None:
    assert stands(*looks) == said


def test_what_retention_has_emptied_is_nothing_to_read() -> None:
    assert stands((None, 7), (None, 7), start=7) == [0, 0]
